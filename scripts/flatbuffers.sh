#!/usr/bin/env bash
# Makes adapters/flatbuffers/generated from the schema, with Debian's flatc (scripts/install-debian.sh installs it):
# scripts/flatbuffers.sh [folder to put it in instead]
set -euo pipefail
cd "$(dirname "$0")/.."

version='flatc version 2.0.8'
out=${1:-adapters/flatbuffers/generated}
found=$(flatc --version)
[ "$found" = "$version" ] || { echo "This needs $version, not $found: another one writes other code." >&2; exit 1; }

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
flatc --ts -o "$made" adapters/flatbuffers/rotunda.fbs
rm -rf "$out"
mkdir -p "$out"

# What flatc writes is for compilers that guess extensions and emit code for enums. Here imports name files, and types
# can be erased.
for file in "$made"/rotunda/*.ts; do
  name=$(basename "$file")
  sed -E \
    -e '1s/$/\n\/\/ See scripts\/flatbuffers.sh./' \
    -e "s#from '\.\./rotunda/([a-z]+)'#from './\1.ts'#" \
    -e "s#from '\.\./rotunda/([a-z]+)-([a-z]+)'#from './\1_\2.ts'#" \
    -e 's/optionalEncoding\?:any/optionalEncoding?:flatbuffers.Encoding/' \
    "$file" >"$out/${name//-/_}"
done
for file in opcode kind body_format; do
  sed -E -i \
    -e 's/^export enum (\w+) \{/export type \1 = number;\nexport const \1 = {/' \
    -e 's/^  (\w+) = ([0-9]+)/  \1: \2/' \
    -e 's/^\}$/} as const;/' \
    "$out/$file.ts"
done
