// The figures beside the lanes, from a frame: whether the instances agree, and whether that is right, which answers callers got, what the upstream
// received according to its ledger, and where the instances keep their breaker's state. Tests find each figure by its id
// or data- attribute.
import { judge, upstreamState } from './agreement.js';
import { allOf, announce, byId, count, duration, make, number, setAttribute, setText } from '../shared/text.js';

// For screen readers, which cannot read it as often as it may change, nor during a replay.
const leastPause = 5000; // ms
let announced = '';
let announcedAt = -Infinity;
const announceSometimes = (text) => {
  const now = performance.now();
  if (text === announced || now - announcedAt < leastPause || document.body.dataset.mode !== 'live') return;
  announced = text;
  announcedAt = now;
  announce(text);
};

const judged = ({ instances, upstream }) => judge({
  instances: instances.map(({ name, answers, state, network_broken: isCutOff, override }) => ({ name, state: answers ? state : 'unknown', isCutOff, override })),
  upstream: upstreamState(upstream),
  isShared: instances.some(({ answers, store }) => answers && store === 'redis'),
});

export const showAgreement = (frame) => {
  const { text: states, agree, disagreement_ms: total, disagreeing_for_ms: lasting } = frame.agreement;
  const answering = frame.instances.filter(({ answers }) => answers).length;
  const { text, tone } = judged(frame);
  setAttribute(byId('agreement'), 'data-agree', answering === 0 ? 'unknown' : agree);
  setAttribute(byId('agreement'), 'data-tone', tone);
  setText(byId('agreement-text'), states || 'no instances');
  setText(byId('agreement-words'), text);
  announceSometimes(`${byId('agreement-text').textContent}. ${text}`);
  setText(byId('disagreeing-for'), agree ? '' : `for ${duration(lasting)}`);
  const disagreement = byId('disagreement-ms');
  setText(disagreement, duration(total));
  setAttribute(disagreement, 'data-ms', total);
};

export const showCounters = (frame) => {
  for (const node of allOf('[data-count]')) {
    setText(node, number(frame.calls[node.dataset.count] ?? 0));
  }
  const { answers, ledger } = frame.upstream;
  for (const node of allOf('[data-ledger]')) {
    setText(node, answers ? number(ledger.total[node.dataset.ledger] ?? 0) : '–');
  }
  setText(byId('wasted'), number(frame.wasted));
  byId('wasted').closest('.figure').classList.toggle('striking', frame.wasted > 0);
};

const stores = {
  memory: () => ['in memory', 'not shared with other instances'],
  redis: ({ view_age_ms: age }) =>
    ['shared, in Redis', typeof age === 'number' ? `updated ${duration(age)} ago` : 'connected'],
  local: ({ store_error: error }) => ['local breaker', `Redis is unavailable: ${error || 'no answer'}`],
};

const storeRow = (name) => {
  const row = make('li', { 'data-store-of': name }, make('b', { text: name }), make('span', { class: 'where' }),
    make('span', { class: 'why' }));
  return row;
};

export const showStores = ({ instances }) => {
  const list = byId('stores');
  const names = instances.map(({ name }) => name);
  if (list.dataset.names !== JSON.stringify(names)) {
    list.dataset.names = JSON.stringify(names);
    list.replaceChildren(...names.map(storeRow));
  }
  instances.forEach((instance, i) => {
    const row = list.children[i];
    const known = Object.hasOwn(stores, instance.store) ? stores[instance.store] : () => ['unknown', ''];
    const [where, why] = instance.answers ? known(instance) : ['no answer', ''];
    setAttribute(row, 'data-store', instance.answers ? instance.store : 'unknown');
    setText(row.children[1], where);
    setText(row.children[2], why || '\u00a0'); // so that its line stays
  });
};

// Beside an instance's state: what overrides it, or else when it will try again. While an override is in force, it will not.
export const stateDetail = (instance) => {
  if (!instance.answers) return '';
  const parts = [];
  if (instance.override) parts.push(instance.override.replaceAll('_', ' '));
  if (instance.store === 'local') parts.push('local breaker');
  if (instance.override) return parts.join(', ');
  if (instance.state === 'open' && instance.retry_after_ms > 0) parts.push(`retry in ${duration(Math.ceil(instance.retry_after_ms / 100) * 100)}`);
  else if (instance.state === 'closed' && instance.failures > 0) parts.push(count(instance.failures, 'failure'));
  return parts.join(', ');
};
