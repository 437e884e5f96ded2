#!/bin/sh
# As root: without-cluster.sh COMMAND...
# Installs PostgreSQL packages without letting them make a cluster: postgresql-common would make one called main
# and start it. A file of our own in its drop-in folder says no; its main file, which people edit, stays untouched.
set -eu
folder=/etc/postgresql-common/createcluster.d
mkdir -p "$folder"
trap 'rm -f "$folder/zz-haigio.conf"' EXIT
trap 'exit 1' HUP INT TERM
echo 'create_main_cluster = false' >"$folder/zz-haigio.conf"
"$@"
