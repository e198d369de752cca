// Traffic films: reels of movements from the engine, and a clock that plays them.

import { unpack } from "wafermesh-explore/scene.js";

const KEPT = 4; // reels in memory
const GLOW = 64; // cycles over which the use of a link is averaged

/** One reel: `moves[k]` flits left a buffer in cycle `first + k`; see tools/explore/film.py. */
async function unpackReel(message) {
  const [moves, tile, port, packet, full] = await Promise.all([
    unpack(message.moves, Uint32Array),
    unpack(message.tile, Uint16Array),
    unpack(message.port, Uint8Array),
    unpack(message.packet, Uint16Array),
    unpack(message.full, Uint8Array),
  ]);
  const begin = new Uint32Array(moves.length + 1);
  moves.forEach((count, k) => (begin[k + 1] = begin[k] + count));
  return { first: message.first, count: message.count, begin, tile, port, packet, full };
}

export class Film {
  /**
   * @param {number} tiles  tiles of the wafer
   * @param {function} need called with a cycle when the reel that holds it is missing
   */
  constructor(tiles, need) {
    this.tiles = tiles;
    this.need = need;
    this.reels = [];
    this.time = 0; // in cycles; the fraction is how far flits are between two tiles
    this.speed = 12; // cycles per second
    this.playing = false;
    this.end = 1; // in cycles
    this.loop = false; // begin again at the end
    this.asked = -1;
    this.heat = new Uint8Array(4 * tiles);
    this.heatOf = -1;
  }

  async add(message) {
    const reel = await unpackReel(message);
    this.reels = this.reels.filter((other) => other.first !== reel.first).slice(1 - KEPT);
    this.reels.push(reel);
    this.asked = -1;
    this.heatOf = -1;
  }

  get cycle() {
    return Math.floor(this.time);
  }

  /** The reel that holds a cycle; asks for it when it is missing. */
  reelOf(cycle, ask = true) {
    const reel = this.reels.find((r) => r.first <= cycle && cycle < r.first + r.count);
    if (!reel && ask && this.asked !== cycle) {
      this.asked = cycle;
      this.need(cycle);
    }
    return reel;
  }

  /** Advance the clock by some seconds; it waits where a reel is missing. */
  tick(seconds) {
    if (!this.playing) return;
    const before = this.time;
    this.time += Math.min(seconds, 0.25) * this.speed;
    if (this.time >= this.end && this.loop) this.time = 0;
    if (this.time >= this.end) this.seek(this.end - 1);
    const reel = this.reelOf(this.cycle, this.asked < 0);
    if (!reel) this.time = Math.min(this.time, Math.floor(before) + 0.999);
    else if (this.cycle > reel.first + reel.count / 2 && reel.first + reel.count < this.end)
      this.reelOf(reel.first + reel.count, this.asked < 0); // the next one, ahead of time
  }

  seek(time) {
    this.time = Math.max(0, Math.min(this.end - 1, time));
    this.playing = false;
    this.reelOf(this.cycle);
  }

  /** Call `visit(tile, port, packet)` for each movement of a cycle. */
  moves(cycle, visit) {
    const reel = this.reelOf(cycle, false);
    if (!reel) return;
    const k = cycle - reel.first;
    for (let n = reel.begin[k]; n < reel.begin[k + 1]; n++)
      visit(reel.tile[n], reel.port[n], reel.packet[n]);
  }

  /** Flits in a tile's buffers as the cycle begins: a view of all tiles, or null. */
  full(cycle) {
    const reel = this.reelOf(cycle, false);
    if (!reel) return null;
    const k = cycle - reel.first;
    return reel.full.subarray(k * this.tiles, (k + 1) * this.tiles);
  }

  /** Use of every link over the last cycles, 0 to 255 = one flit in each cycle. */
  glow() {
    if (this.heatOf === this.cycle) return this.heat;
    this.heatOf = this.cycle;
    const used = new Uint16Array(4 * this.tiles);
    let seen = 0;
    for (let cycle = Math.max(0, this.cycle - GLOW + 1); cycle <= this.cycle; cycle++) {
      if (this.reelOf(cycle, false)) seen++;
      this.moves(cycle, (tile, port) => port < 4 && used[4 * tile + port]++);
    }
    for (let lane = 0; lane < used.length; lane++)
      this.heat[lane] = Math.round((255 * used[lane]) / Math.max(1, seen));
    return this.heat;
  }
}
