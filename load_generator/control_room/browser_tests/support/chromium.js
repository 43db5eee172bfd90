// How to start chromium’s headless shell: without background requests, and without its sandbox only where that cannot work.
import { spawnSync } from 'node:child_process';

export const executablePath = '/usr/bin/chromium-headless-shell';

export const sandboxWorks = () =>
  process.getuid() !== 0 && spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0;

export const flags = ['--disable-background-networking', '--disable-component-update', '--disable-gpu',
  '--disable-quic', '--disable-sync', '--no-first-run', '--no-proxy-server'];

// Everything that it writes goes into the folder `home`.
export const environment = (home) => ({ ...process.env, HOME: home, TMPDIR: home, XDG_CONFIG_HOME: home,
  XDG_CACHE_HOME: home, DBUS_SESSION_BUS_ADDRESS: 'disabled:' });
