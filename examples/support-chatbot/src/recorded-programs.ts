// Questions customers asked, each with the program a model wrote for it. In production the second half
// of this table is a call to a model; recorded, the example needs no key and gives the same answer twice.
// The programs are kept as .txt because to this Worker they are text: it never evaluates them itself.
import type { Language } from "./program-modules";

import blueJacketChanged from "../programs/blue-jacket-changed.js.txt";
import bootsReturnWindow from "../programs/boots-return-window.js.txt";
import whatIsComing from "../programs/what-is-coming.js.txt";
import deliveryCalendarLoop from "../programs/delivery-calendar-loop.js.txt";
import usualDeliveryTime from "../programs/usual-delivery-time.ts.txt";
import lateParcels from "../programs/late-parcels.ts.txt";
import firstShipmentBug from "../programs/first-shipment-bug.js.txt";
import otherCustomer from "../programs/other-customer.js.txt";
import priceHistoryBomb from "../programs/price-history-bomb.js.txt";
import refundStatus from "../programs/refund-status.ts.txt";
import spending from "../programs/spending.js.txt";
import trackingUpload from "../programs/tracking-upload.js.txt";
import undecidedChanges from "../programs/undecided-changes.ts.txt";

export interface RecordedProgram {
  question: string;
  /** File under programs/. */
  file: string;
  language: Language;
  text: string;
}

const recorded = (question: string, file: string, text: string): RecordedProgram =>
  ({ question, file, language: file.endsWith(".ts.txt") ? "ts" : "js", text });

export const RECORDED_PROGRAMS: readonly RecordedProgram[] = [
  recorded("I ordered a blue jacket on Tuesday, then changed it to black and also added a scarf: did that go through, and when does everything arrive?",
    "blue-jacket-changed.js.txt", blueJacketChanged),
  recorded("What is still on its way to me?", "what-is-coming.js.txt", whatIsComing),
  recorded("Which of my parcels are late, and by how many days?", "late-parcels.ts.txt", lateParcels),
  recorded("Can I still send back the boots that arrived in March?", "boots-return-window.js.txt", bootsReturnWindow),
  recorded("What did I spend with you this year, and how much of it did I get back?", "spending.js.txt", spending),
  recorded("Which of the changes I asked for did not go through, and why?", "undecided-changes.ts.txt", undecidedChanges),
  recorded("Has the money for the things I sent back arrived?", "refund-status.ts.txt", refundStatus),
  recorded("How long do deliveries to me usually take, and which carrier is fastest?", "usual-delivery-time.ts.txt", usualDeliveryTime),
  recorded("When does my latest order arrive?", "first-shipment-bug.js.txt", firstShipmentBug),
  recorded("On which weekdays did I get parcels this year?", "delivery-calendar-loop.js.txt", deliveryCalendarLoop),
  recorded("Was the rain jacket ever cheaper than what I paid?", "price-history-bomb.js.txt", priceHistoryBomb),
  recorded("Can you send my tracking numbers to my parcel app?", "tracking-upload.js.txt", trackingUpload),
  recorded("My flatmate says order o-20004 is mine too: what is in it?", "other-customer.js.txt", otherCustomer),
];

export function findRecorded(question: string): RecordedProgram | undefined {
  return RECORDED_PROGRAMS.find((program) => program.question === question);
}
