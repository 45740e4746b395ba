// The orders that the recorded questions turn on. `today` is Thursday 23 April 2026, 10:00 UTC.

const jacket = (line, colour, size) =>
  ({ line, sku: `rain-jacket-${colour}-${size.toLowerCase()}`, name: "rain jacket", category: "jacket", colour, size, quantity: 1, priceCents: 12900 });
const scarf = (line, colour) =>
  ({ line, sku: `wool-scarf-${colour}-one-size`, name: "wool scarf", category: "scarf", colour, size: "one size", quantity: 1, priceCents: 3900 });
const boots = (line, colour, size) =>
  ({ line, sku: `leather-boots-${colour}-${size}`, name: "leather boots", category: "boots", colour, size, quantity: 1, priceCents: 15900 });

// c-007 asks about last Tuesday's blue jacket. The colour change was applied; the scarf was applied too,
// as a line of its own that travels in a second parcel.
const TUESDAY_JACKET = {
  id: "o-20001", customerId: "c-007", placedAt: "2026-04-21T09:12:00Z", status: "open", currency: "EUR",
  items: [jacket(1, "black", "M"), scarf(2, "grey")],
  changes: [
    { id: "o-20001-ch1", kind: "colour", line: 1, from: "blue", to: "black", requestedAt: "2026-04-21T18:40:00Z", decidedAt: "2026-04-21T18:55:00Z", status: "applied" },
    { id: "o-20001-ch2", kind: "add-item", line: 2, from: null, to: "wool scarf", requestedAt: "2026-04-22T07:05:00Z", decidedAt: "2026-04-22T08:30:00Z", status: "applied" },
  ],
  shipments: [
    { id: "o-20001-s1", lines: [1], carrier: "Swiftparcel", tracking: "SW40210077", status: "in-transit", shippedAt: "2026-04-23T06:20:00Z", expectedAt: "2026-04-27T12:00:00Z", deliveredAt: null },
    { id: "o-20001-s2", lines: [2], carrier: "Postline", tracking: null, status: "preparing", shippedAt: null, expectedAt: "2026-04-29T12:00:00Z", deliveredAt: null },
  ],
  returns: [],
};

// The same customer bought a blue jacket on an earlier Tuesday, and that time black was refused:
// a program that takes the wrong Tuesday gives the wrong answer.
const EARLIER_TUESDAY_JACKET = {
  id: "o-20002", customerId: "c-007", placedAt: "2026-03-17T11:30:00Z", status: "delivered", currency: "EUR",
  items: [jacket(1, "blue", "S")],
  changes: [
    { id: "o-20002-ch1", kind: "colour", line: 1, from: "blue", to: "black", requestedAt: "2026-03-18T20:10:00Z", decidedAt: "2026-03-19T07:45:00Z", status: "rejected", reason: "already packed when the change arrived" },
  ],
  shipments: [
    { id: "o-20002-s1", lines: [1], carrier: "Postline", tracking: "PL33188012", status: "delivered", shippedAt: "2026-03-18T16:00:00Z", expectedAt: "2026-03-21T12:00:00Z", deliveredAt: "2026-03-21T09:25:00Z" },
  ],
  returns: [
    { id: "o-20002-r1", line: 1, requestedAt: "2026-03-24T10:00:00Z", reason: "too small", status: "refunded", refundCents: 12900, refundedAt: "2026-04-02T10:00:00Z" },
  ],
};

// c-012 wants to send boots back within 30 days of delivery: delivered 28 March, so until 27 April.
const MARCH_BOOTS = {
  id: "o-20003", customerId: "c-012", placedAt: "2026-03-24T14:05:00Z", status: "delivered", currency: "EUR",
  items: [boots(1, "brown", "41"), scarf(2, "green")],
  changes: [],
  shipments: [
    { id: "o-20003-s1", lines: [1, 2], carrier: "Nordfreight", tracking: "NF70119923", status: "delivered", shippedAt: "2026-03-25T15:00:00Z", expectedAt: "2026-03-28T12:00:00Z", deliveredAt: "2026-03-28T10:40:00Z" },
  ],
  returns: [],
};

// c-019 waits for two parcels that should have come already.
const LATE_PARCELS = {
  id: "o-20004", customerId: "c-019", placedAt: "2026-04-10T08:00:00Z", status: "partly-delivered", currency: "EUR",
  items: [jacket(1, "olive", "L"), scarf(2, "burgundy"), boots(3, "black", "43")],
  changes: [],
  shipments: [
    { id: "o-20004-s1", lines: [1], carrier: "Postline", tracking: "PL51002276", status: "delivered", shippedAt: "2026-04-11T09:00:00Z", expectedAt: "2026-04-15T12:00:00Z", deliveredAt: "2026-04-15T10:05:00Z" },
    { id: "o-20004-s2", lines: [2], carrier: "Swiftparcel", tracking: "SW51002277", status: "delayed", shippedAt: "2026-04-12T09:00:00Z", expectedAt: "2026-04-18T12:00:00Z", deliveredAt: null },
    { id: "o-20004-s3", lines: [3], carrier: "Nordfreight", tracking: "NF51002278", status: "delayed", shippedAt: "2026-04-13T09:00:00Z", expectedAt: "2026-04-21T12:00:00Z", deliveredAt: null },
  ],
  returns: [],
};

// c-023 ordered this morning: nothing has been planned yet, so there is no shipment to look at.
const THIS_MORNING = {
  id: "o-20005", customerId: "c-023", placedAt: "2026-04-23T08:15:00Z", status: "open", currency: "EUR",
  items: [scarf(1, "burgundy")], changes: [], shipments: [], returns: [],
};

// c-031 asked for three changes: one applied, one rejected, one pending.
const THREE_CHANGES = {
  id: "o-20006", customerId: "c-031", placedAt: "2026-04-20T12:00:00Z", status: "open", currency: "EUR",
  items: [boots(1, "black", "40"), jacket(2, "red", "M"), scarf(3, "green")],
  changes: [
    { id: "o-20006-ch1", kind: "colour", line: 1, from: "brown", to: "black", requestedAt: "2026-04-20T13:00:00Z", decidedAt: "2026-04-20T15:00:00Z", status: "applied" },
    { id: "o-20006-ch2", kind: "size", line: 2, from: "M", to: "L", requestedAt: "2026-04-21T09:00:00Z", decidedAt: "2026-04-21T16:00:00Z", status: "rejected", reason: "size out of stock" },
    { id: "o-20006-ch3", kind: "colour", line: 3, from: "green", to: "grey", requestedAt: "2026-04-22T19:00:00Z", decidedAt: null, status: "pending" },
  ],
  shipments: [
    { id: "o-20006-s1", lines: [1, 2, 3], carrier: "Postline", tracking: null, status: "preparing", shippedAt: null, expectedAt: "2026-04-28T12:00:00Z", deliveredAt: null },
  ],
  returns: [],
};

export const STORY_ORDERS = [TUESDAY_JACKET, EARLIER_TUESDAY_JACKET, MARCH_BOOTS, LATE_PARCELS, THIS_MORNING, THREE_CHANGES];
