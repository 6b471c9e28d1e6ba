// Who has which pieces of what a job's tasks read.
import { call, poll } from "./api.js";
import { fill, h, panel } from "./dom.js";

export function swarmPanel(job, signal) {
  const { box, sub, body } = panel("Swarm");
  box.hidden = true;
  void [job, signal, call, poll, fill, h, sub, body];
  return { box };
}
