// node build.js WIT OUT: the component of app.js against the contract in the folder WIT.
import { writeFileSync } from "node:fs";
import { componentize } from "@bytecodealliance/componentize-js";

const [witPath, out] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath: new URL("app.js", import.meta.url).pathname,
  witPath,
  worldName: "file-scanner",
  // `fetch` imports wasi:http, which scanhost does not provide to anyone.
  disableFeatures: ["http", "fetch-event"],
});
writeFileSync(out, component);
