#!/bin/sh
# Starts Alertmanager with the webhook's address, which Alertmanager itself reads from no variable:
#
#   ALERT_WEBHOOK_URL=https://... start.sh alertmanager.yml PROGRAM [OPTION...]
#   ALERT_WEBHOOK_URL_FILE=FILE   start.sh alertmanager.yml PROGRAM [OPTION...]
#
# The configuration with the address is a file in $TMPDIR (or /tmp) that only its owner can read.
set -eu

template=${1:?the configuration, then the program and its options}
shift

if [ -n "${ALERT_WEBHOOK_URL_FILE:-}" ]; then
    ALERT_WEBHOOK_URL=
    IFS= read -r ALERT_WEBHOOK_URL <"$ALERT_WEBHOOK_URL_FILE" || [ -n "$ALERT_WEBHOOK_URL" ] || {
        echo "start.sh: $ALERT_WEBHOOK_URL_FILE: holds no address of a webhook" >&2
        exit 2
    }
fi
url=${ALERT_WEBHOOK_URL:-}
case $url in
*[[:space:]\"\\]*) url= ;;
http://?* | https://?*) ;;
*) url= ;;
esac
if [ -z "$url" ]; then
    echo "start.sh: set ALERT_WEBHOOK_URL or ALERT_WEBHOOK_URL_FILE to an address that begins with http:// or https://" >&2
    exit 2
fi

umask 077
config=$(mktemp "${TMPDIR:-/tmp}/alertmanager.XXXXXX")
place=http://alert-webhook-url.invalid/
while IFS= read -r line; do
    case $line in
    *"$place"*) printf '%s\n' "${line%%"$place"*}$url${line#*"$place"}" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$template" >"$config"

unset ALERT_WEBHOOK_URL ALERT_WEBHOOK_URL_FILE
exec "$@" --config.file="$config"
