// The address holds the state: `#/race?n=10&threshold=5`, `#/lab`, `#/run/outage-10?t=1500`. A fragment that belongs to
// another page leads there, so an address works whichever page it was pasted behind.

const pages = { race: './', lab: 'lab', experiments: 'experiments', run: 'lab' };

// As text where a % in it is malformed, as in '50%'.
const decoded = (name) => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};

// '#/run/outage-10?t=1500' -> { view: 'run', name: 'outage-10', query }; null if it is none of ours.
export const parseRoute = (fragment) => {
  const match = /^#\/([a-z]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(fragment);
  if (match === null || !Object.hasOwn(pages, match[1])) return null;
  return { view: match[1], name: decoded(match[2] ?? ''), query: new URLSearchParams(match[3] ?? '') };
};

// Replaces the address, without an entry in the history: Back leaves the page.
export const showRoute = (view, name, query) => {
  const text = new URLSearchParams(query).toString();
  const path = name === '' ? view : `${view}/${encodeURIComponent(name)}`;
  history.replaceState(null, '', `#/${path}${text === '' ? '' : `?${text}`}`);
};

// The page that shows a route, as a path from here; null if it is `path` itself.
export const otherPage = (fragment, path) => {
  const route = parseRoute(fragment);
  if (route === null) return null;
  const page = pages[route.view];
  return (path.split('/').pop() || './') === page ? null : page + fragment;
};

const goWhereItBelongs = () => {
  const page = otherPage(location.hash, location.pathname);
  if (page !== null) location.replace(page);
};

if (typeof location !== 'undefined') {
  goWhereItBelongs();
  addEventListener('hashchange', goWhereItBelongs);
}
