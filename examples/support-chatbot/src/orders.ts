import { WorkerEntrypoint } from "cloudflare:workers";
import { ORDERS, type Change, type Item, type Order, type Return, type Shipment } from "./shop-data";

/** What `list` and `search` show of an order; the rest is asked for by order id. */
export interface OrderSummary {
  id: string;
  placedAt: string;
  status: Order["status"];
  itemCount: number;
  totalCents: number;
}

/**
 * One customer's orders: the only capability a program gets.
 *
 * `customerId` comes from the props that the parent put into the stub. A program can neither read nor
 * change them, and no method takes a customer, so another customer's order is not forbidden but absent:
 * asking for it answers exactly like asking for an order that never existed.
 */
export class Orders extends WorkerEntrypoint<unknown, { customerId: string }> {
  /** All orders, oldest first. */
  list(): OrderSummary[] {
    return this.#own().map(summarise);
  }

  /** The order as it stands now, with applied changes worked in; null if there is no such order. */
  get(orderId: string): (OrderSummary & { currency: string; items: Item[] }) | null {
    const order = this.#find(orderId);
    return order === undefined ? null : { ...summarise(order), currency: order.currency, items: order.items };
  }

  /** Changes asked for after the order was placed, oldest first, with their outcome. */
  changes(orderId: string): Change[] {
    return this.#find(orderId)?.changes ?? [];
  }

  /** Parcels, each with the order lines in it. Empty until the warehouse has planned the order. */
  shipments(orderId: string): Shipment[] {
    return this.#find(orderId)?.shipments ?? [];
  }

  returns(orderId: string): Return[] {
    return this.#find(orderId)?.returns ?? [];
  }

  /** Orders with an item whose name, category, colour or size contains `text`. */
  search(text: string): OrderSummary[] {
    const wanted = String(text).toLowerCase();
    const matches = (item: Item) => `${item.colour} ${item.name} ${item.category} ${item.size}`.toLowerCase().includes(wanted);
    return this.#own().filter((order) => order.items.some(matches)).map(summarise);
  }

  #own(): Order[] {
    return ORDERS.filter((order) => order.customerId === this.ctx.props.customerId);
  }

  #find(orderId: string): Order | undefined {
    return this.#own().find((order) => order.id === orderId);
  }
}

function summarise(order: Order): OrderSummary {
  const { id, placedAt, status, items } = order;
  const totalCents = items.reduce((sum, item) => sum + item.quantity * item.priceCents, 0);
  return { id, placedAt, status, itemCount: items.length, totalCents };
}
