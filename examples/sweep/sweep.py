"""A parameter sweep: one epidemic for each pair of parameters, on the grid; a table of the
outcomes, and a picture of them.

    python3 sweep.py [--steps 20] [-o DIR]
"""

import argparse
import csv
import itertools
import pathlib

import anthill
import plot
from epidemic import Outcome, seir

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=20, help="values of each parameter")
parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("sweep"), help="directory of the results")
args = parser.parse_args()

contacts = [0.2 + 0.8 * i / (args.steps - 1) for i in range(args.steps)]
caution = [50.0 * i / (args.steps - 1) for i in range(args.steps)]
pairs = list(itertools.product(contacts, caution))

with anthill.Grid() as grid:
    outcomes = list(grid.map(seir, *zip(*pairs), chunksize=10))

args.output.mkdir(parents=True, exist_ok=True)
with open(args.output / "outcomes.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(Outcome._fields)
    table.writerows(outcomes)
picture = plot.heatmap(
    contacts, caution, [[100 * o.total for o in outcomes if o.contacts == c] for c in contacts],
    title="How many people had it in the end, in percent", x="contacts", y="caution",
)
(args.output / "outcomes.svg").write_text(picture)
worst = max(outcomes, key=lambda o: o.peak)
print(f"{len(outcomes)} epidemics; at worst {worst.peak:.1%} of all people are infectious at a time, on day {worst.day:.0f}")
print(f"table and picture are in {args.output}")
