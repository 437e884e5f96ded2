// A file that goes on where it broke off, by the tus protocol (see POST /uploads in the API).

import { transfer } from "./api.js";

const TUS = { "Tus-Resumable": "1.0.0" };
const TRIES = 3;

/** One file on its way to a report. `send` may be called again after whatever went wrong: what arrived stays arrived. */
export class ResumableUpload {
  constructor(file, metadata) {
    this.file = file;
    this.metadata = metadata;
    this.address = null;
  }

  /** Send what is missing, telling how far it is (0 to 1). Throws Problem or Unanswered. */
  async send(onProgress) {
    for (let left = TRIES; ; left -= 1) {
      try {
        let offset = this.address ? await this.offset() : await this.begin();
        while (offset < this.file.size) offset = await this.goOn(offset, onProgress);
        return;
      } catch (problem) {
        // Over, or somebody was faster: a broken line that the server had not yet noticed. It is asked anew.
        if (problem.status === 404 && this.address) this.address = null;
        else if (problem.code !== "upload_offset_mismatch") throw problem;
        if (left <= 1) throw problem;
      }
    }
  }

  async begin() {
    const headers = { ...TUS, "Upload-Length": this.file.size, "Upload-Metadata": written(this.metadata) };
    const header = await transfer("POST", "/uploads", { headers });
    this.address = header("Location");
    return Number(header("Upload-Offset"));
  }

  async offset() {
    const header = await transfer("HEAD", this.address, { headers: TUS });
    return Number(header("Upload-Offset"));
  }

  async goOn(offset, onProgress) {
    const headers = { ...TUS, "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" };
    const tell = (sent) => onProgress((offset + sent) / this.file.size);
    const body = this.file.slice(offset);
    const header = await transfer("PATCH", this.address, { headers, body, onProgress: tell });
    return Number(header("Upload-Offset"));
  }
}

/** Names and values as the protocol writes them: the values in base64. */
function written(metadata) {
  return Object.entries(metadata)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name} ${btoa(value)}`)
    .join(",");
}
