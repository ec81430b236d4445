// Reports each `TODO` without an owner: `TODO(name): …` is fine.
import { findings } from "scanhost:plugin/report@0.1.0-dev";

const UNOWNED = /TODO\b(?!\()[^\r\n]*/y;

export const scanner = {
  open(config) {},

  scan(file) {
    const path = file.path();
    // One character for one byte, so that a match's index is the offset that the host wants.
    const text = new TextDecoder("latin1").decode(file.read(0n, Number(file.size())));
    const matches = file.anchors(0, 10_000).map(({ offset }) => {
      UNOWNED.lastIndex = Number(offset);
      return UNOWNED.exec(text);
    });
    findings(matches.filter(Boolean).map((match) => finding(path, match)));
  },

  finish() {},
};

function finding(path, match) {
  const span = { offset: BigInt(match.index), len: BigInt(match[0].length) };
  return {
    rule: "js-todo.unowned", confidence: "high", message: "This TODO has no owner.",
    primary: { tag: "file", val: { path, extent: { tag: "bytes", val: span } } },
    related: [], subject: { tag: "matched" }, redact: [], attachments: [], labels: [],
  };
}
