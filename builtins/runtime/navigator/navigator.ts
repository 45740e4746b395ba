// navigator: constants that libraries sniff.

import { setInspector } from "../support/inspectors.ts";
import { defineInterface, illegalConstructor, INTERNAL } from "../support/webidl.ts";

export class Navigator {
  constructor(token?: unknown) {
    if (token !== INTERNAL) illegalConstructor();
  }

  get userAgent(): string {
    return "Cloudflare-Workers";
  }
  get hardwareConcurrency(): number {
    return 1;
  }
  get language(): string {
    return "en";
  }
  get languages(): readonly string[] {
    return LANGUAGES;
  }
  get platform(): string {
    return "";
  }
}

const LANGUAGES: readonly string[] = Object.freeze(["en"]);

export function createNavigator(): Navigator {
  return new Navigator(INTERNAL);
}

defineInterface(Navigator, "Navigator");
setInspector(Navigator, "Navigator", (navigator) => ({
  fields: {
    userAgent: navigator.userAgent,
    hardwareConcurrency: navigator.hardwareConcurrency,
    language: navigator.language,
    platform: navigator.platform,
  },
}));
