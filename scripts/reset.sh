#!/usr/bin/env bash
# Usage: scripts/reset.sh [NAME]
#
# Resets a shared breaker, overrides included: deletes its keys in Redis (cb:NAME:*), and nothing else. NAME is
# unreliable_service by default; a tenant's breaker is unreliable_service@TENANT. REDIS_URL names another Redis than
# redis://127.0.0.1:6379/0. Behind Sentinels, in a cluster or over TLS use scripts/breaker.sh reset.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

need_build load_generator
exec "$bin/load_generator" reset "$@"
