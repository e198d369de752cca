// What the server says of a wafer, unpacked; the camera that looks at it.

/** Text of tools/explore/scene.py `pack` back into a typed array. */
export async function unpack(text, Type) {
  const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Type(await new Response(stream).arrayBuffer());
}

export const DX = [0, 1, 0, -1];
export const DY = [-1, 0, 1, 0];

/** Tile kinds of tools/explore/outcome.py `Kind`. */
export const KIND = { HOME: 0, REPAIRED: 1, IDLE: 2, CORE: 3, TILE: 4, CORE_LOST: 5, TILE_LOST: 6, CUT_OFF: 7 };

export async function unpackScene(message) {
  const none = new Int32Array(0);
  const [kind, links, spare, host, home] = await Promise.all([
    unpack(message.kind, Uint8Array),
    unpack(message.links, Uint8Array),
    unpack(message.spare, Uint8Array),
    message.host ? unpack(message.host, Int32Array) : none,
    message.home ? unpack(message.home, Int32Array) : none,
  ]);
  const { width, height, logicalWidth } = message;
  return { width, height, logicalWidth, kind, links, spare, host, home };
}

/** Where tile (x, y) lies on the canvas: (left + x * scale, top + y * scale), in CSS pixels. */
export class Camera {
  constructor() {
    this.scale = 20;
    this.left = this.top = 0;
    this.fitted = true;
  }

  fit(scene, width, height, margin = 22) {
    const most = Math.min((width - 2 * margin) / scene.width, (height - 2 * margin) / scene.height);
    this.scale = Math.max(0.05, Math.min(90, most));
    this.left = (width - this.scale * scene.width) / 2;
    this.top = (height - this.scale * scene.height) / 2;
    this.fitted = true;
  }

  /** Zoom so that the point (px, py) of the canvas stays where it is. */
  zoom(factor, px, py) {
    const scale = Math.max(0.3, Math.min(120, this.scale * factor));
    this.left = px - ((px - this.left) * scale) / this.scale;
    this.top = py - ((py - this.top) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.fitted = false;
  }

  /** Tile under a point and where in it (0 to 1), or null. */
  at(scene, px, py) {
    const u = (px - this.left) / this.scale;
    const v = (py - this.top) / this.scale;
    const x = Math.floor(u);
    const y = Math.floor(v);
    if (x < 0 || y < 0 || x >= scene.width || y >= scene.height) return null;
    return { tile: y * scene.width + x, x, y, u: u - x, v: v - y };
  }

  centre(scene, tile) {
    const x = tile % scene.width;
    const y = Math.floor(tile / scene.width);
    return [this.left + (x + 0.5) * this.scale, this.top + (y + 0.5) * this.scale];
  }

  /** Columns and rows in view: [x0, y0, x1, y1), ends not included. */
  view(scene, width, height) {
    const cut = (value, most) => Math.max(0, Math.min(most, value));
    return [
      cut(Math.floor(-this.left / this.scale), scene.width),
      cut(Math.floor(-this.top / this.scale), scene.height),
      cut(Math.ceil((width - this.left) / this.scale), scene.width),
      cut(Math.ceil((height - this.top) / this.scale), scene.height),
    ];
  }
}
