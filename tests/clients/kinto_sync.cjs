// Two devices of one person, each with the npm package `kinto` and a database of its own, sync
// through a server. Prints what each step gave as one JSON object, for test_kinto_js.py.
//
//     node kinto_sync.cjs <folder with node_modules> <http://host:port/v1> <user:password>

"use strict";

const path = require("node:path");
const { createRequire } = require("node:module");

const [folder, remote, credentials] = process.argv.slice(2);
const load = createRequire(path.join(folder, "index.js"));
load("fake-indexeddb/auto");
const Kinto = load("kinto").default;

const headers = { Authorization: "Basic " + Buffer.from(credentials).toString("base64") };

function openDevice(name) {
  return new Kinto({ remote, headers, adapterOptions: { dbName: name } }).collection("tasks");
}

// A sync result with ids instead of objects, where there are any.
function summarize(result) {
  const count = (list) => list.length;
  const { ok, created, updated, deleted, published, conflicts, resolved, errors, skipped } = result;
  return {
    ok,
    created: count(created),
    updated: count(updated),
    deleted: count(deleted),
    published: count(published),
    conflicts: count(conflicts),
    resolved: count(resolved),
    skipped: count(skipped),
    errors: errors.map(String),
  };
}

async function sync(device, strategy = Kinto.syncStrategy.MANUAL) {
  const result = await device.sync({ strategy });
  return { summary: summarize(result), conflicts: result.conflicts };
}

async function list(device) {
  const { data } = await device.list({ order: "title" });
  return data.map(({ title, status, _status }) => ({ title, status, _status }));
}

async function change(device, id, fields) {
  const { data } = await device.get(id);
  await device.update({ ...data, ...fields });
}

async function firstSync(laptop, phone, steps) {
  const ids = [];
  for (const title of ["a", "b", "c"]) {
    ids.push((await laptop.create({ title, status: "todo" })).data.id);
  }
  steps.publish = (await sync(laptop)).summary;
  steps.fetch = (await sync(phone)).summary;
  steps.nothing = (await sync(phone)).summary;
  steps.copies = [await list(laptop), await list(phone)];
  return ids;
}

async function resolveByHand(laptop, phone, id, steps) {
  await change(laptop, id, { status: "doing" });
  await change(phone, id, { status: "done" });
  steps.winner = (await sync(laptop)).summary;
  const { summary, conflicts } = await sync(phone);
  steps.conflict = summary;
  steps.sides = conflicts.map(({ type, local, remote }) => [type, local.status, remote.status]);
  await phone.resolve(conflicts[0], { ...conflicts[0].local, status: "both" });
  steps.resolved = (await sync(phone)).summary;
  steps.told = (await sync(laptop)).summary;
  steps.agreed = [await list(laptop), await list(phone)];
}

async function resolveByStrategy(laptop, phone, id, steps) {
  const { SERVER_WINS, CLIENT_WINS } = Kinto.syncStrategy;
  for (const [name, strategy] of [["server", SERVER_WINS], ["client", CLIENT_WINS]]) {
    await change(laptop, id, { status: `laptop ${name}` });
    await change(phone, id, { status: `phone ${name}` });
    await sync(laptop);
    steps[`${name}_wins`] = (await sync(phone, strategy)).summary;
    await sync(laptop);
    steps[`${name}_status`] = [
      (await laptop.get(id)).data.status,
      (await phone.get(id)).data.status,
    ];
  }
}

async function remove(laptop, phone, id, steps) {
  await phone.delete(id);
  steps.remove = (await sync(phone)).summary;
  steps.removed = (await sync(laptop)).summary;
  steps.left = [await list(laptop), await list(phone)];
}

async function removeWhatChanged(laptop, phone, id, steps) {
  await change(laptop, id, { status: "changed" });
  await sync(laptop);
  await phone.delete(id);
  const { summary, conflicts } = await sync(phone);
  steps.remove_changed = summary;
  steps.remove_sides = conflicts.map(({ type, remote }) => [type, remote.status]);
}

async function publishMany(laptop, tablet, steps) {
  for (let n = 0; n < 60; n += 1) {
    await laptop.create({ title: `many ${n}`, status: "todo" });
  }
  steps.many = (await sync(laptop)).summary;
  steps.many_fetched = (await sync(tablet)).summary;
  steps.same_time = [await laptop.db.getLastModified(), await tablet.db.getLastModified()];
}

async function main() {
  const [laptop, phone, tablet] = ["laptop", "phone", "tablet"].map(openDevice);
  const steps = {};
  const [first, second, third] = await firstSync(laptop, phone, steps);
  await resolveByHand(laptop, phone, first, steps);
  await resolveByStrategy(laptop, phone, second, steps);
  await remove(laptop, phone, second, steps);
  await removeWhatChanged(laptop, phone, third, steps);
  await publishMany(laptop, tablet, steps);
  console.log(JSON.stringify(steps));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
