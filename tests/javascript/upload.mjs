// Sends a file by tus-js-client: node upload.mjs <endpoint> <token> <file> <metadata as JSON> <bytes a request, or 0>

import { createRequire } from "node:module";
import { createReadStream, statSync } from "node:fs";

const { Upload } = createRequire(process.env.HAIGIO_JAVASCRIPT + "/")("tus-js-client");
const [endpoint, token, file, metadata, chunkSize] = process.argv.slice(2);

const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: JSON.parse(metadata),
  uploadSize: statSync(file).size,
  chunkSize: Number(chunkSize) || Infinity,
  uploadDataDuringCreation: chunkSize === "0",
  retryDelays: Array(200).fill(50),
  onError(error) {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess() {
    console.log(upload.url);
  },
});
upload.start();
