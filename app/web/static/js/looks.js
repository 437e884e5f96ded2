// What a photo looks like, in 64 bits: the same photo made smaller, or saved anew by a chat application, has nearly all of them.

const SIDE = 8; // eight rows of nine greys, each compared with its right neighbour
const CELL = 32; // pixels of a square whose mean is one grey; a browser's own shrinking leaves things out
const PATIENCE_MS = 4000;

/**
 * The difference hash of a photo as 16 hex digits, as the API knows it (`dhash` of /reports/nearby); null where the browser
 * cannot draw it, or takes too long. The picture is drawn upright.
 */
export async function looksOf(file) {
  const address = URL.createObjectURL(file);
  try {
    const picture = new Image();
    picture.src = address;
    const late = new Promise((_, refuse) => setTimeout(refuse, PATIENCE_MS));
    await Promise.race([picture.decode(), late]);
    return hashOf(greys(picture));
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function greys(picture) {
  const [width, height] = [(SIDE + 1) * CELL, SIDE * CELL];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height);
  const sums = new Float64Array((SIDE + 1) * SIDE);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 4;
      const cell = Math.floor(y / CELL) * (SIDE + 1) + Math.floor(x / CELL);
      sums[cell] += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    }
  return sums.map((sum) => Math.round(sum / CELL ** 2));
}

// Row by row, the first bit the highest: one where a grey is brighter than its right neighbour.
function hashOf(values) {
  let digits = "";
  for (let row = 0; row < SIDE; row += 1) {
    let bits = 0;
    for (let at = row * (SIDE + 1); at < row * (SIDE + 1) + SIDE; at += 1)
      bits = bits * 2 + (values[at] > values[at + 1] ? 1 : 0);
    digits += bits.toString(16).padStart(2, "0");
  }
  return digits;
}
