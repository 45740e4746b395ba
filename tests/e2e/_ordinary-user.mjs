// How a suite that runs as root starts a program as a user without privileges.
import { statSync } from "node:fs";
import { dirname } from "node:path";

const NOBODY = 65534;
export const IS_ROOT = process.getuid() === 0;

// A checkout below a closed home directory is shown to the user at its own path, in a mount namespace of its own:
// each closed directory is covered by an empty open one in which only that path exists. $1: closed directories and
// the paths below them, as "CLOSED PATH" lines. The rest: the command.
const OPEN_DOORS = `
  set -eu
  doors=$1; shift
  printf '%s\\n' "$doors" | while IFS=' ' read -r closed path; do
    aside=/proc/self/fd/9
    exec 9<"$path"
    mount -t tmpfs -o mode=755 tmpfs "$closed"
    if [ -d /proc/self/fd/9 ]; then mkdir -p "$path"; else mkdir -p "$(dirname "$path")"; : >"$path"; fi
    mount --bind "$aside" "$path"
    exec 9<&-
  done
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
  const unique = [...new Map(doors.map(([closed, path]) => [closed, `${closed} ${path}`])).values()];
  return {
    command: "unshare",
    args: ["--mount", "--propagation", "private", "sh", "-c", OPEN_DOORS, "sh", unique.join("\n"), command, ...args],
    options: { ...options, env },
  };
}
