// Drawing of what moves or is pointed at: link use, buffers, flits, the way of a pair, the cursor.

import { DX, DY } from "wafermesh-explore/scene.js";
import { DETAIL, lane } from "wafermesh-explore/paint.js";

/** Everything above the wafer. `top` = {way, film, traffic, hover, cursor}. */
export function paintTop(context, scene, camera, colour, top, size) {
  context.clearRect(0, 0, size.width, size.height);
  context.lineCap = context.lineJoin = "round";
  if (top.film && top.traffic && camera.scale >= DETAIL) {
    paintGlow(context, scene, camera, colour, top.film.glow(), size);
    paintFull(context, scene, camera, colour, top.film.full(top.film.cycle));
  }
  if (top.way) paintWay(context, scene, camera, colour, top.way, top.traffic);
  if (top.film) paintFlits(context, scene, camera, colour, top.film, top.traffic);
  if (top.hover) box(context, camera, top.hover, colour.cursor, 1.5);
  if (top.cursor) box(context, camera, top.cursor, colour.cursor, 3);
}

function box(context, { scale, left, top }, { x, y }, style, width) {
  context.strokeStyle = style;
  context.lineWidth = width;
  const side = Math.max(scale, 6);
  context.strokeRect(left + (x + 0.5) * scale - side / 2, top + (y + 0.5) * scale - side / 2, side, side);
}

/** Links glow by their use: six steps up to 0.6 flits a cycle. */
function paintGlow(context, scene, camera, colour, heat, size) {
  const steps = colour.heat.map(() => new Path2D());
  const [x0, y0, x1, y1] = camera.view(scene, size.width, size.height);
  for (let y = y0; y < y1; y++)
    for (let x = x0; x < x1; x++)
      for (let port = 0; port < 4; port++) {
        const use = heat[4 * (y * scene.width + x) + port];
        if (!use) continue;
        const [ax, ay, bx, by] = lane(camera, x, y, port, 0.24, 0.76);
        const path = steps[Math.min(5, Math.floor((use / 255) * 10))];
        path.moveTo(ax, ay), path.lineTo(bx, by);
      }
  context.lineCap = "butt";
  steps.forEach((path, k) => {
    context.strokeStyle = colour.heat[k];
    context.lineWidth = camera.scale * (0.06 + 0.025 * k);
    context.stroke(path);
  });
  context.lineCap = "round";
}

/** Buffers fill: a disc in the tile, its area the flits that wait there. */
function paintFull(context, scene, camera, colour, full) {
  if (!full) return;
  context.fillStyle = colour.ink;
  context.globalAlpha = 0.55;
  context.beginPath();
  for (let tile = 0; tile < full.length; tile++) {
    if (!full[tile]) continue;
    const [x, y] = camera.centre(scene, tile);
    const r = camera.scale * Math.min(0.3, 0.07 * Math.sqrt(full[tile]));
    context.moveTo(x + r, y);
    context.arc(x, y, r, 0, 7);
  }
  context.fill();
  context.globalAlpha = 1;
}

/** Flits between two tiles; in their last hop they shrink into the core. */
function paintFlits(context, scene, camera, colour, film, traffic) {
  const part = film.still ? 1 : film.time - film.cycle;
  const r = Math.max(2, camera.scale * (traffic ? 0.12 : 0.24));
  const paths = colour.flit.map(() => new Path2D());
  film.moves(film.cycle, (tile, port, packet) => {
    let [x, y] = camera.centre(scene, tile);
    let radius = r;
    if (port < 4) {
      x += (part * DX[port] - (traffic ? 0.11 * DY[port] : 0)) * camera.scale;
      y += (part * DY[port] + (traffic ? 0.11 * DX[port] : 0)) * camera.scale;
    } else radius = r * (1.2 - part);
    if (radius <= 0) return;
    const path = paths[packet % paths.length];
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, 7);
  });
  context.strokeStyle = colour["route-case"];
  context.lineWidth = traffic ? 1 : 2;
  paths.forEach((path, k) => {
    context.fillStyle = colour.flit[k];
    context.fill(path);
    context.stroke(path);
  });
}

/** The way of a pair, its ends marked A and B. */
function paintWay(context, scene, camera, colour, way, faint) {
  const points = way.map((tile) => camera.centre(scene, tile));
  context.globalAlpha = faint ? 0.35 : 1;
  context.beginPath();
  points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
  for (const [style, width] of [[colour["route-case"], 0.3], [colour.route, 0.17]]) {
    context.strokeStyle = style;
    context.lineWidth = Math.max(width * 12, width * camera.scale);
    context.stroke();
  }
  context.globalAlpha = 1;
  const r = Math.max(7, 0.42 * camera.scale);
  for (const [k, name] of [[0, "A"], [points.length - 1, "B"]]) {
    const [x, y] = points[k];
    context.beginPath();
    context.arc(x, y, r, 0, 7);
    context.fillStyle = colour.route;
    context.fill();
    context.strokeStyle = colour["route-case"];
    context.lineWidth = 2;
    context.stroke();
    context.fillStyle = colour["route-case"];
    context.font = `600 ${r * 1.15}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(name, x, y + r * 0.06);
  }
}
