// How a suite that runs as root starts a program as a user without privileges.
import { statSync } from "node:fs";
import { dirname } from "node:path";

const NOBODY = 65534;
export const IS_ROOT = process.getuid() === 0;

// A checkout below a closed home directory is shown to the user at its own path, in a mount namespace of its own:
// the closed directory is covered by an empty open one, in which only what is needed exists. $1: lines of a closed
// directory and a path below it, separated by a tab. The rest: the command.
const OPEN_DOORS = `
  set -eu
  doors=$1; shift
  aside=$(mktemp -d)
  each() { printf '%s\\n' "$doors" | { n=0; while IFS='	' read -r closed path; do n=$((n + 1)); "$@"; done; }; }
  stand_in() { if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; : >>"$2"; fi; }
  keep() { stand_in "$path" "$aside/$n"; mount --bind "$path" "$aside/$n"; }
  cover() { [ -n "$(find "$closed" -maxdepth 0 -perm -o=x)" ] || mount -t tmpfs -o mode=755 tmpfs "$closed"; }
  show() { stand_in "$aside/$n" "$path"; mount --bind "$aside/$n" "$path"; }
  tidy() { umount "$aside/$n"; rmdir "$aside/$n" 2>/dev/null || rm "$aside/$n"; }
  for act in keep cover show tidy; do each $act; done
  rmdir "$aside"
  exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups -- "$@"`;

/** The closed directory nearest to the root on the way to `path`, or null. */
function closedDoor(path) {
  const parents = [];
  for (let at = dirname(path); at !== "/"; at = dirname(at)) parents.unshift(at);
  return parents.find((directory) => (statSync(directory).mode & 0o001) === 0) ?? null;
}

/** The same order for nobody, who can reach `paths`. Unchanged if we are nobody in particular ourselves. */
export function asOrdinaryUser({ command, args, options }, paths) {
  if (!IS_ROOT) return { command, args, options };
  const env = { ...options.env, HOME: "/nonexistent" };
  const doors = [...paths, command].filter((path) => path.startsWith("/")).map((path) => [closedDoor(path), path])
    .filter(([closed]) => closed !== null);
  if (doors.length === 0) return { command, args, options: { ...options, env, uid: NOBODY, gid: NOBODY } };
  const lines = [...new Set(doors.map((door) => door.join("\t")))].join("\n");
  return {
    command: "unshare",
    args: ["--mount", "--propagation", "private", "sh", "-c", OPEN_DOORS, "sh", lines, command, ...args],
    options: { ...options, env },
  };
}
