// What the shop knows, read once from the fixture. Dates are ISO 8601 in UTC, money is in whole cents.
import fixture from "../data/orders.json";

export interface Item {
  line: number;
  sku: string;
  name: string;
  category: string;
  colour: string;
  size: string;
  quantity: number;
  priceCents: number;
}

export interface Change {
  id: string;
  kind: "colour" | "size" | "add-item";
  line: number;
  from: string | null;
  to: string;
  requestedAt: string;
  decidedAt: string | null;
  status: "applied" | "pending" | "rejected";
  reason?: string;
}

export interface Shipment {
  id: string;
  lines: number[];
  carrier: string;
  tracking: string | null;
  status: "preparing" | "in-transit" | "delayed" | "delivered";
  shippedAt: string | null;
  expectedAt: string;
  deliveredAt: string | null;
}

export interface Return {
  id: string;
  line: number;
  requestedAt: string;
  reason: string;
  status: "requested" | "received" | "refunded" | "rejected";
  refundCents: number;
  refundedAt: string | null;
}

export interface Order {
  id: string;
  customerId: string;
  placedAt: string;
  status: "open" | "shipped" | "partly-delivered" | "delivered";
  currency: string;
  items: Item[];
  changes: Change[];
  shipments: Shipment[];
  returns: Return[];
}

/** The moment at which the story plays. Programs get it as data, so that their answers never change. */
export const TODAY: string = fixture.today;

export const ORDERS = fixture.orders as unknown as readonly Order[];

export function isCustomer(customerId: string): boolean {
  return fixture.customers.some((customer) => customer.id === customerId);
}
