// The figures beside the lanes, from a frame: whether the instances agree, which answers callers got, what the upstream
// received according to its ledger, and where the instances keep their breaker's state. Tests find each figure by its id
// or data- attribute.
import { announce, byId, count, duration, make, number, setAttribute, setText } from '../shared/text.js';

const agreementText = (answering, instances) => {
  if (answering > 1) return 'Instances agree.';
  if (answering === 0) return 'No instance answers.';
  return instances > 1 ? 'Only one instance answers.' : 'There is one instance.';
};

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

export const showAgreement = ({ agreement, instances }) => {
  const { text, agree, disagreement_ms: total, disagreeing_for_ms: lasting } = agreement;
  const answering = instances.filter(({ answers }) => answers).length;
  setAttribute(byId('agreement'), 'data-agree', answering === 0 ? 'unknown' : agree);
  setText(byId('agreement-text'), text || 'no instances');
  let words = 'Instances disagree: they treat the same upstream differently.';
  if (agree) words = agreementText(answering, instances.length);
  setText(byId('agreement-words'), words);
  announceSometimes(`${byId('agreement-text').textContent}. ${words}`);
  setText(byId('disagreeing-for'), agree ? '' : `for ${duration(lasting)}`);
  const disagreement = byId('disagreement-ms');
  setText(disagreement, duration(total));
  setAttribute(disagreement, 'data-ms', total);
};

export const showCounters = (frame) => {
  for (const node of document.querySelectorAll('[data-count]')) {
    setText(node, number(frame.calls[node.dataset.count] ?? 0));
  }
  const { answers, ledger } = frame.upstream;
  for (const node of document.querySelectorAll('[data-ledger]')) {
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
    setText(row.children[2], why);
  });
};

// Beside an instance's state: when it will try again, and what overrides it.
export const stateDetail = (instance) => {
  if (!instance.answers) return '';
  const parts = [];
  if (instance.override) parts.push(instance.override.replace('_', ' '));
  if (instance.store === 'local') parts.push('local breaker');
  if (instance.state === 'open' && instance.retry_after_ms > 0) parts.push(`retry in ${duration(Math.ceil(instance.retry_after_ms / 100) * 100)}`);
  else if (instance.state === 'closed' && instance.failures > 0) parts.push(count(instance.failures, 'failure'));
  return parts.join(', ');
};
