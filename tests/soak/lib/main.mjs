// The soak as a program: prints as it goes on, and what was left at the end.
import { leftovers, soak } from "./soak.mjs";

const CYCLES = 20_000;
const FEWEST = 50;

/** Resolves to the exit status. */
export async function main([given]) {
  const cycles = Number(given ?? CYCLES);
  if (!Number.isInteger(cycles) || cycles < FEWEST) {
    console.error(`usage: tests/soak/run [CYCLES]    at least ${FEWEST}`);
    return 2;
  }
  const endings = [];
  try {
    const { before, after, counts } = await soak({ after: (end) => endings.push(end) }, cycles, (line) => console.log(`[soak] ${line}`));
    console.log(`[soak] ${Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    const left = leftovers(before, after);
    for (const line of left) console.error(`[soak] left: ${line}`);
    console.log(`${cycles} cycles, ${left.length} things left`);
    return left.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`[soak] ${error.message}`);
    return 1;
  } finally {
    for (const end of endings.reverse()) await end();
  }
}
