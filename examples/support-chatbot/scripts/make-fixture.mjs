// Writes data/orders.json: the shop's customers and orders, the same bytes on every run.
//
//   node scripts/make-fixture.mjs           writes the file
//   node scripts/make-fixture.mjs --check   exits 1 if the file is not what this script would write
//
// The orders that the recorded questions turn on are written by hand in story-orders.mjs; the rest of
// the shop is drawn from a seeded generator, so that every program has to find its facts among others.
import { readFileSync, writeFileSync } from "node:fs";
import { STORY_ORDERS } from "./story-orders.mjs";

const SEED = 20260423;
const TODAY = "2026-04-23T10:00:00Z";
const CUSTOMER_COUNT = 40;
const ORDER_COUNT = 200;
const FILE = new URL("../data/orders.json", import.meta.url);

const DAY_MS = 86_400_000;
const FIRST_NAMES = ["Aino", "Bram", "Chiara", "Dario", "Elif", "Freya", "Goran", "Hanna", "Ilir", "Jonas", "Kaja", "Luis", "Marta", "Nadia",
  "Oskar", "Petra", "Quentin", "Rosa", "Sami", "Tove"];
const LAST_NAMES = ["Aalto", "Brandt", "Costa", "Dubois", "Eriksen", "Ferrari", "Gruber", "Horvat", "Ivanova", "Jansen", "Kowalski", "Lindgren",
  "Moreau", "Novak", "Okafor", "Pereira", "Rossi", "Schmidt", "Toth", "Vega"];
const CITIES = ["Aarhus", "Bologna", "Coimbra", "Dresden", "Espoo", "Ghent", "Graz", "Lille", "Malmö", "Porto", "Split", "Tartu"];
const CLOTHES_SIZES = ["XS", "S", "M", "L", "XL"];
const SHOE_SIZES = ["37", "38", "39", "40", "41", "42", "43", "44"];
const PRODUCTS = [
  { name: "rain jacket", category: "jacket", priceCents: 12900, sizes: CLOTHES_SIZES, colours: ["blue", "black", "olive", "red"] },
  { name: "down jacket", category: "jacket", priceCents: 18900, sizes: CLOTHES_SIZES, colours: ["black", "navy", "grey"] },
  { name: "wool scarf", category: "scarf", priceCents: 3900, sizes: ["one size"], colours: ["grey", "burgundy", "green"] },
  { name: "leather boots", category: "boots", priceCents: 15900, sizes: SHOE_SIZES, colours: ["brown", "black"] },
  { name: "running shoes", category: "shoes", priceCents: 11900, sizes: SHOE_SIZES, colours: ["white", "blue", "lime"] },
  { name: "linen shirt", category: "shirt", priceCents: 5900, sizes: CLOTHES_SIZES, colours: ["white", "sand", "sky"] },
  { name: "merino sweater", category: "sweater", priceCents: 8900, sizes: CLOTHES_SIZES, colours: ["charcoal", "green", "rust"] },
  { name: "denim jeans", category: "trousers", priceCents: 7900, sizes: ["28", "30", "32", "34", "36"], colours: ["indigo", "black"] },
  { name: "canvas backpack", category: "bag", priceCents: 6900, sizes: ["one size"], colours: ["khaki", "navy", "orange"] },
  { name: "beanie", category: "hat", priceCents: 1900, sizes: ["one size"], colours: ["grey", "red", "mustard"] },
];
const CARRIERS = ["Postline", "Swiftparcel", "Nordfreight"];
const REJECTIONS = ["already packed when the change arrived", "colour out of stock", "size out of stock"];
const RETURN_REASONS = ["too small", "too large", "colour differs from the picture", "arrived damaged", "changed my mind"];

/** Small seeded generator (mulberry32); good enough to make a shop look lived in. */
function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const random = seededRandom(SEED);
const chance = (probability) => random() < probability;
const between = (low, high) => low + Math.floor(random() * (high - low + 1));
const pick = (list) => list[Math.floor(random() * list.length)];
const customerIdAt = (index) => `c-${String(index + 1).padStart(3, "0")}`;
const todayMs = Date.parse(TODAY);
const stamp = (ms) => new Date(ms).toISOString().slice(0, 19) + "Z";
const noon = (ms) => ms - (ms % DAY_MS) + DAY_MS / 2;

function makeCustomers() {
  return Array.from({ length: CUSTOMER_COUNT }, (_, index) => ({
    id: customerIdAt(index),
    name: `${FIRST_NAMES[(index * 7) % FIRST_NAMES.length]} ${LAST_NAMES[(index * 3 + Math.floor(index / 20)) % LAST_NAMES.length]}`,
    city: pick(CITIES),
  }));
}

function makeItem(line) {
  const product = pick(PRODUCTS);
  const colour = pick(product.colours);
  const size = pick(product.sizes);
  return {
    line, sku: `${product.name}-${colour}-${size}`.replaceAll(" ", "-").toLowerCase(), name: product.name, category: product.category,
    colour, size, quantity: chance(0.12) ? 2 : 1, priceCents: product.priceCents,
  };
}

function makeChanges(orderId, items, placedMs) {
  if (!chance(0.22)) return [];
  const item = pick(items);
  const product = PRODUCTS.find((candidate) => candidate.name === item.name);
  const kind = product.sizes.length > 1 && chance(0.5) ? "size" : "colour";
  const requestedMs = placedMs + between(1, 20) * 3_600_000;
  const open = todayMs - requestedMs < 2 * DAY_MS;
  const status = open ? "pending" : chance(0.6) ? "applied" : "rejected";
  const other = pick(product[kind === "size" ? "sizes" : "colours"].filter((value) => value !== item[kind]));
  const change = { id: `${orderId}-ch1`, kind, line: item.line, from: item[kind], to: other, requestedAt: stamp(requestedMs),
    decidedAt: open ? null : stamp(requestedMs + between(1, 9) * 3_600_000), status };
  if (status === "rejected") change.reason = pick(REJECTIONS);
  if (status === "applied") item[kind] = other;      // `items` always shows the order as it stands now
  return [change];
}

function makeShipment(orderId, number, lines, placedMs) {
  const packMs = placedMs + between(12, 60) * 3_600_000;
  const expectedMs = noon(placedMs + between(3, 9) * DAY_MS);
  const lateByDays = chance(0.15) ? between(1, 6) : 0;
  const arrivalMs = expectedMs + lateByDays * DAY_MS - between(0, 5) * 3_600_000;
  const status = arrivalMs < todayMs ? "delivered" : packMs > todayMs ? "preparing" : expectedMs < todayMs ? "delayed" : "in-transit";
  return {
    id: `${orderId}-s${number}`, lines, carrier: pick(CARRIERS),
    tracking: status === "preparing" ? null : `${pick(["PL", "SW", "NF"])}${between(10_000_000, 99_999_999)}`,
    status, shippedAt: status === "preparing" ? null : stamp(packMs), expectedAt: stamp(expectedMs),
    deliveredAt: status === "delivered" ? stamp(arrivalMs) : null,
  };
}

function makeShipments(orderId, items, placedMs) {
  if (todayMs - placedMs < DAY_MS) return [];        // not planned yet: the case that careless programs forget
  const split = items.length > 1 && chance(0.35);
  const groups = split ? [items.slice(0, 1), items.slice(1)] : [items];
  return groups.map((group, index) => makeShipment(orderId, index + 1, group.map((item) => item.line), placedMs));
}

function makeReturns(orderId, items, shipments) {
  const arrived = shipments.filter((shipment) => shipment.status === "delivered");
  if (arrived.length === 0 || !chance(0.18)) return [];
  const shipment = pick(arrived);
  const item = items.find((candidate) => candidate.line === shipment.lines[0]);
  const requestedMs = Date.parse(shipment.deliveredAt) + between(1, 12) * DAY_MS;
  if (requestedMs > todayMs) return [];
  const ageDays = (todayMs - requestedMs) / DAY_MS;
  const status = ageDays < 4 ? "requested" : ageDays < 9 ? "received" : chance(0.85) ? "refunded" : "rejected";
  const refundCents = item.priceCents * item.quantity;
  return [{ id: `${orderId}-r1`, line: item.line, requestedAt: stamp(requestedMs), reason: pick(RETURN_REASONS), status,
    refundCents: status === "rejected" ? 0 : refundCents, refundedAt: status === "refunded" ? stamp(requestedMs + 9 * DAY_MS) : null }];
}

function orderStatus(shipments) {
  if (shipments.length === 0) return "open";
  const delivered = shipments.filter((shipment) => shipment.status === "delivered").length;
  if (delivered === shipments.length) return "delivered";
  if (delivered > 0) return "partly-delivered";
  return shipments.some((shipment) => shipment.status !== "preparing") ? "shipped" : "open";
}

function makeOrder(number, placedMs) {
  const id = `o-${number}`;
  const customerId = customerIdAt(between(0, CUSTOMER_COUNT - 1));
  const items = Array.from({ length: between(1, 4) }, (_, index) => makeItem(index + 1));
  const shipments = makeShipments(id, items, placedMs);
  const changes = makeChanges(id, items, placedMs);
  return { id, customerId, placedAt: stamp(placedMs), status: orderStatus(shipments), currency: "EUR", items, changes, shipments,
    returns: makeReturns(id, items, shipments) };
}

function makeFixture() {
  const customers = makeCustomers();
  const drawn = ORDER_COUNT - STORY_ORDERS.length;
  const spanDays = 200;
  const orders = Array.from({ length: drawn }, (_, index) => {
    const placedMs = todayMs - spanDays * DAY_MS + ((index + random()) / drawn) * (spanDays * DAY_MS - 3_600_000);
    return makeOrder(10_001 + index, Math.floor(placedMs / 60_000) * 60_000);
  });
  orders.push(...STORY_ORDERS);
  orders.sort((a, b) => (a.placedAt < b.placedAt ? -1 : a.placedAt > b.placedAt ? 1 : a.id < b.id ? -1 : 1));
  return { today: TODAY, customers, orders };
}

/** One customer or order a line: a reader can search it, and a change is a small diff. */
function format(fixture) {
  const rows = (list) => list.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n");
  return `{\n  "today": ${JSON.stringify(fixture.today)},\n  "customers": [\n${rows(fixture.customers)}\n  ],\n  "orders": [\n${rows(fixture.orders)}\n  ]\n}\n`;
}

const text = format(makeFixture());
if (process.argv.includes("--check")) {
  const same = readFileSync(FILE, "utf8") === text;
  console.log(same ? "data/orders.json is up to date" : "data/orders.json differs: run node scripts/make-fixture.mjs");
  process.exitCode = same ? 0 : 1;
} else {
  writeFileSync(FILE, text);
  console.log(`wrote data/orders.json (${text.length} bytes)`);
}
