// Anthill is a peer-to-peer volunteer compute grid: this is its one command.
package main

import (
	"os"

	"github.com/anthill-grid/anthill/internal/cli"
)

// version is set by `make build`.
var version = "unknown"

func main() { os.Exit(cli.Main(version)) }
