#!/usr/bin/env bash
# Installs the Debian packages that the tests need and that are not there yet. Runs as root or with sudo.
set -euo pipefail

packages=(chromium sqlite3 python3-websockets python3-flatbuffers flatbuffers-compiler prometheus)

present() {
  case "$1" in
    chromium) command -v chromium >/dev/null ;;
    sqlite3) command -v sqlite3 >/dev/null ;;
    python3-*) [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import ${1#python3-}" 2>/dev/null ;;
    flatbuffers-compiler) command -v flatc >/dev/null ;;
    prometheus) command -v prometheus >/dev/null && command -v promtool >/dev/null ;;
  esac
}

missing=()
for package in "${packages[@]}"; do
  if present "$package"; then echo "$package: present"; else missing+=("$package"); fi
done
[ "${#missing[@]}" -gt 0 ] || exit 0

by_hand() {
  echo "$1 Install by hand: Chromium, sqlite3, flatc 2.0.8, Prometheus 2.42, and websockets and flatbuffers for /usr/bin/python3." >&2
  echo "Missing here: ${missing[*]}" >&2
  exit 1
}

command -v apt-get >/dev/null || by_hand 'There is no apt-get on this system.'
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || by_hand 'This needs root or sudo.'
  as_root=(sudo)
fi

echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
# Debian starts a Prometheus at once, and at every boot; only its programs are wanted.
if [[ " ${missing[*]} " == *' prometheus '* && -d /run/systemd/system ]]; then
  "${as_root[@]}" systemctl disable --quiet --now prometheus.service
fi
for package in "${missing[@]}"; do
  present "$package" || by_hand "$package was installed and is still not found."
  echo "$package: installed"
done
