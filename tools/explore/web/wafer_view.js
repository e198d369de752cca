// The wafer on two canvases: below what stands still, above what moves. Pan, zoom, hover, click,
// brush and keys; everything is drawn by paint.js and overlay.js. Used by tools/explore/view.py.

import { Camera, unpackScene } from "wafermesh-explore/scene.js";
import { colours, marks, paintBase, raster } from "wafermesh-explore/paint.js";
import { paintTop } from "wafermesh-explore/overlay.js";
import { Film } from "wafermesh-explore/film.js";

const KEYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

export default {
  template: `<div class="wm-view" tabindex="0" role="application"
      aria-label="Wafer: arrow keys move a cursor over tiles, Enter chooses, plus and minus zoom, 0 shows all">
    <canvas></canvas><canvas></canvas></div>`,

  mounted() {
    this.base = this.$el.children[0].getContext("2d");
    this.over = this.$el.children[1].getContext("2d");
    this.camera = new Camera();
    this.show = { links: true, clusters: false, grid: false, moves: true };
    this.top = { way: null, film: null, traffic: false, hover: null, cursor: null };
    this.brush = false;
    this.pointers = new Map();
    this.asked = 0;
    this.resizer = new ResizeObserver(() => this.resize());
    this.resizer.observe(this.$el);
    this.theme = new MutationObserver(() => this.retheme());
    this.theme.observe(document.body, { attributeFilter: ["class"] });
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave", "keydown"])
      this.$el.addEventListener(name, (event) => this[name](event));
    this.$el.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.last = performance.now();
    const frame = (now) => {
      if (!this.$el.isConnected) return;
      this.step(now);
      requestAnimationFrame(frame);
    };
    this.resize();
    requestAnimationFrame(frame);
    this.$emit("ready");
  },

  beforeUnmount() {
    this.resizer.disconnect();
    this.theme.disconnect();
  },

  methods: {
    // Called by the server ---------------------------------------------------------------------

    async setScene(message) {
      const turn = ++this.asked;
      const scene = await unpackScene(message);
      if (turn !== this.asked) return; // a newer one came meanwhile
      const old = this.scene;
      this.scene = scene;
      scene.marks = marks(scene);
      this.retheme();
      if (!old || old.width !== scene.width || old.height !== scene.height) this.fit();
      this.top.hover = this.top.cursor = null;
      this.$el.dataset.scene = turn; // for tests: which picture is on the screen
    },

    setWay(tiles) {
      this.top.way = tiles && tiles.length > 1 ? tiles : null;
    },

    setLayers(show) {
      Object.assign(this.show, show);
      this.dirty = true;
    },

    setBrush(on) {
      this.brush = on;
      this.$el.classList.toggle("wm-brush", on);
    },

    fit() {
      if (this.scene) this.camera.fit(this.scene, this.size.width, this.size.height);
      this.dirty = true;
    },

    zoomBy(factor) {
      this.camera.zoom(factor, this.size.width / 2, this.size.height / 2);
      this.dirty = true;
    },

    /** Begin a film of so many cycles: of the traffic, or of one packet. */
    startFilm(traffic, end, loop, speed) {
      if (!this.scene) return;
      this.top.traffic = traffic;
      this.top.film = new Film(this.scene.kind.length, (cycle) => this.$emit("need", cycle));
      Object.assign(this.top.film, { end, loop, speed, playing: true, still: this.still });
      this.told = -1;
      this.$el.dataset.film = traffic ? "traffic" : "pulse";
    },

    async addReel(message) {
      if (this.top.film) await this.top.film.add(message);
    },

    stopFilm() {
      this.top.film = null;
      this.top.traffic = false;
      delete this.$el.dataset.film;
    },

    control(what, value) {
      const film = this.top.film;
      if (!film) return;
      if (what === "play") film.playing = value;
      else if (what === "speed") film.speed = value;
      else if (what === "loop") film.loop = value;
      else if (what === "step") film.seek(film.cycle + value);
      else if (what === "seek") film.seek(value);
    },

    /** Save what is on the screen as a PNG. */
    savePicture(name) {
      const { width, height } = this.base.canvas;
      const sheet = Object.assign(document.createElement("canvas"), { width, height });
      const context = sheet.getContext("2d");
      context.fillStyle = this.colour.wafer;
      context.fillRect(0, 0, width, height);
      for (const layer of [this.base, this.over]) context.drawImage(layer.canvas, 0, 0);
      const link = document.createElement("a");
      [link.href, link.download] = [sheet.toDataURL("image/png"), name];
      link.click();
    },

    // Frames -------------------------------------------------------------------------------------

    step(now) {
      const film = this.top.film;
      if (film) film.tick((now - this.last) / 1000);
      this.last = now;
      if (!this.scene || !this.size.width) return;
      if (this.dirty) paintBase(this.base, this.scene, this.camera, this.colour, this.show, this.size);
      const key = film ? film.time + film.reels.length : -1;
      const now_top = JSON.stringify([key, this.top.hover, this.top.cursor, this.top.traffic]);
      if (this.dirty || now_top !== this.drawnTop || this.top.way !== this.drawnWay)
        paintTop(this.over, this.scene, this.camera, this.colour, this.top, this.size);
      [this.dirty, this.drawnTop, this.drawnWay] = [false, now_top, this.top.way];
      if (film && film.cycle !== this.told && (!film.playing || now - (this.toldAt ?? 0) > 250)) {
        [this.told, this.toldAt] = [film.cycle, now];
        this.$el.dataset.cycle = film.cycle;
        this.$emit("cycle", { cycle: film.cycle, playing: film.playing });
      }
    },

    resize() {
      const { clientWidth: width, clientHeight: height } = this.$el;
      const ratio = window.devicePixelRatio || 1;
      this.size = { width, height };
      for (const context of [this.base, this.over]) {
        context.canvas.width = width * ratio;
        context.canvas.height = height * ratio;
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
      }
      if (this.camera.fitted) this.fit();
      this.dirty = true;
    },

    retheme() {
      this.colour = colours(this.$el);
      if (this.scene) this.scene.raster = raster(this.scene, this.colour);
      this.dirty = true;
    },

    // Input --------------------------------------------------------------------------------------

    place(event) {
      const box = this.$el.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    },

    hit(event) {
      return this.scene ? this.camera.at(this.scene, ...this.place(event)) : null;
    },

    pointerdown(event) {
      this.$el.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, this.place(event));
      this.moved = 0;
      this.painted = new Set();
      if (this.brush && event.button === 0 && !event.shiftKey) this.paint(event);
    },

    pointermove(event) {
      const now = this.place(event);
      const old = this.pointers.get(event.pointerId);
      if (!old) {
        const hit = this.hit(event);
        if (hit?.tile !== this.top.hover?.tile) {
          this.top.hover = hit && { tile: hit.tile, x: hit.x, y: hit.y };
          this.$emit("hover", hit ? hit.tile : -1);
        }
        return;
      }
      const [dx, dy] = [now[0] - old[0], now[1] - old[1]];
      this.moved += Math.abs(dx) + Math.abs(dy);
      if (this.pointers.size === 2) {
        const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
        const [before, after] = [old, now].map((p) => Math.hypot(p[0] - other[0], p[1] - other[1]));
        if (before > 0) this.camera.zoom(after / before, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
        this.dirty = true;
      } else if (this.brush && !event.shiftKey && event.buttons === 1) this.paint(event);
      else if (this.moved > 4) {
        this.camera.pan(dx, dy);
        this.dirty = true;
      }
      this.pointers.set(event.pointerId, now);
    },

    pointerup(event) {
      if (!this.pointers.delete(event.pointerId)) return;
      if (this.brush) {
        if (this.painted.size) this.$emit("stroke", [...this.painted]);
        this.painted = new Set();
      } else if (this.moved <= 4) {
        const hit = this.hit(event);
        if (hit) this.choose(hit);
      }
    },

    pointercancel(event) {
      this.pointers.delete(event.pointerId);
    },

    pointerleave() {
      if (this.top.hover) this.$emit("hover", -1);
      this.top.hover = null;
    },

    /** A brush stroke: near a tile's border it means the link there, else the tile. */
    paint(event) {
      const hit = this.hit(event);
      if (!hit) return;
      const [u, v] = [hit.u - 0.5, hit.v - 0.5];
      const side = Math.abs(u) > Math.abs(v) ? (u > 0 ? 1 : 3) : v > 0 ? 2 : 0;
      this.painted.add(`${hit.tile}:${Math.max(Math.abs(u), Math.abs(v)) > 0.34 ? side : 4}`);
      this.top.hover = { tile: hit.tile, x: hit.x, y: hit.y };
    },

    choose({ tile, x, y }) {
      this.top.cursor = { tile, x, y };
      this.$emit("choose", tile);
    },

    wheel(event) {
      event.preventDefault();
      this.camera.zoom(Math.exp(-event.deltaY * 0.0016), ...this.place(event));
      this.dirty = true;
    },

    keydown(event) {
      if (!this.scene) return;
      const step = KEYS[event.key];
      const { width, height } = this.scene;
      if (step) {
        const { x, y } = this.top.cursor ?? { x: width >> 1, y: height >> 1 };
        const [nx, ny] = [x + step[0], y + step[1]].map((n, k) => Math.max(0, Math.min([width, height][k] - 1, n)));
        this.top.cursor = { tile: ny * width + nx, x: nx, y: ny };
        this.$emit("hover", this.top.cursor.tile);
      } else if (event.key === "Enter" && this.top.cursor) {
        if (this.brush) this.$emit("stroke", [`${this.top.cursor.tile}:4`]);
        else this.choose(this.top.cursor);
      } else if (event.key === "+" || event.key === "=") this.zoomBy(1.3);
      else if (event.key === "-") this.zoomBy(1 / 1.3);
      else if (event.key === "0") this.fit();
      else return;
      event.preventDefault();
    },
  },
};
