// Unpacks Chromium from npm's `@sparticuz/chromium` into a folder, with libraries and fonts that a small system lacks. The last file is `run`, which
// starts it with these.
//
// Argument: the folder.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { inflate } from "@sparticuz/chromium";

const folder = resolve(process.argv[2]);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
// The package unpacks into the folder for temporary files.
process.env.TMPDIR = folder;
const packed = ["chromium.br", "al2023.tar.br", "fonts.tar.br"];
await Promise.all(packed.map((file) => inflate(join(import.meta.dirname, "node_modules/@sparticuz/chromium/bin", file))));

// Fontconfig takes no relative folder for its cache: it would be below the folder of the process.
writeFileSync(
    join(folder, "fonts.conf"),
    `<?xml version="1.0"?>
<fontconfig><dir prefix="relative">fonts</dir><cachedir>${join(folder, "cache")}</cachedir></fontconfig>
`,
);
writeFileSync(
    join(folder, "run"),
    `#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/al2023/lib" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
`,
    { mode: 0o755 },
);
