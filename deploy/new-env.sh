#!/bin/sh
# Makes .env from .env.example: every empty value becomes a generated secret. An .env that exists is left alone.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo "new-env: .env exists and is left as it is; move it away to make a new one" >&2
  exit 1
fi
umask 077
draft=.env.$$
trap 'rm -f "$draft"' EXIT
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    '#'*) ;;
    AIRFLOW_FERNET_KEY=) line=$line$(head -c 32 /dev/urandom | base64 | tr '+/' '-_') ;;
    *=) line=$line$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n') ;;
  esac
  printf '%s\n' "$line"
done <.env.example >"$draft"
mv "$draft" .env
echo "new-env: .env is made, readable by you alone; the UI's first user and password are AIRFLOW_ADMIN_USER and AIRFLOW_ADMIN_PASSWORD in it"
