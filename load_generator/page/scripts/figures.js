// The figures of the room, out of a frame: who agrees with whom, what callers were told, what the upstream itself says
// that it received, and where the instances keep their breaker's state. Each has an id or a data- attribute, under
// which tests find it.
'use strict';

{
  const agreementOf = (answering, instances) => {
    if (answering > 1) return 'They agree.';
    if (answering === 0) return 'Nobody answers.';
    return `One ${instances > 1 ? 'answers' : 'instance'}: nobody to disagree with.`;
  };

  // To those who listen, who cannot hear it as often as it may change, nor beside a replay.
  const leastPause = 5000; // ms
  let said = '';
  let saidAt = -Infinity;
  const sayNowAndThen = (text) => {
    const now = performance.now();
    if (text === said || now - saidAt < leastPause || document.body.dataset.mode !== 'live') return;
    said = text;
    saidAt = now;
    Lab.say(text);
  };

  Lab.showAgreement = ({ agreement, instances }) => {
    const { text, agree, disagreement_ms: total, disagreeing_for_ms: lasting } = agreement;
    const answering = instances.filter(({ answers }) => answers).length;
    Lab.setAttribute(Lab.byId('agreement'), 'data-agree', answering === 0 ? 'nobody' : agree);
    Lab.setText(Lab.byId('agreement-text'), text || 'no instances');
    let words = 'They disagree: the same upstream, treated in different ways.';
    if (agree) words = agreementOf(answering, instances.length);
    Lab.setText(Lab.byId('agreement-words'), words);
    sayNowAndThen(`${Lab.byId('agreement-text').textContent}. ${words}`);
    Lab.setText(Lab.byId('disagreeing-for'), agree ? '' : `for ${Lab.duration(lasting)}`);
    const spent = Lab.byId('disagreement-ms');
    Lab.setText(spent, Lab.duration(total));
    Lab.setAttribute(spent, 'data-ms', total);
  };

  Lab.showCounters = (frame) => {
    for (const node of document.querySelectorAll('[data-count]')) {
      Lab.setText(node, Lab.number(frame.calls[node.dataset.count] ?? 0));
    }
    const { answers, ledger } = frame.upstream;
    for (const node of document.querySelectorAll('[data-ledger]')) {
      Lab.setText(node, answers ? Lab.number(ledger.total[node.dataset.ledger] ?? 0) : '–');
    }
    Lab.setText(Lab.byId('wasted'), Lab.number(frame.wasted));
    Lab.byId('wasted').closest('.figure').classList.toggle('striking', frame.wasted > 0);
  };

  const stores = {
    memory: () => ['in memory', 'each on its own: it shares nothing with the others'],
    redis: ({ view_age_ms: age }) =>
      ['shared, in Redis', typeof age === 'number' ? `asked or told ${Lab.duration(age)} ago` : 'connected'],
    local: ({ store_error: error }) => ['on its own', `Redis is away: ${error || 'no answer'}`],
  };

  const storeRow = (name) => {
    const row = Lab.make('li', { 'data-store-of': name }, Lab.make('b', { text: name }), Lab.make('span', { class: 'where' }),
      Lab.make('span', { class: 'why' }));
    return row;
  };

  Lab.showStores = ({ instances }) => {
    const list = Lab.byId('stores');
    const names = instances.map(({ name }) => name);
    if (list.dataset.names !== JSON.stringify(names)) {
      list.dataset.names = JSON.stringify(names);
      list.replaceChildren(...names.map(storeRow));
    }
    instances.forEach((instance, i) => {
      const row = list.children[i];
      const known = Object.hasOwn(stores, instance.store) ? stores[instance.store] : () => ['not known', ''];
      const [where, why] = instance.answers ? known(instance) : ['no answer', ''];
      Lab.setAttribute(row, 'data-store', instance.answers ? instance.store : 'unknown');
      Lab.setText(row.children[1], where);
      Lab.setText(row.children[2], why);
    });
  };

  // Beside an instance's state: when it will try again, and who decided.
  Lab.stateDetail = (instance) => {
    if (!instance.answers) return '';
    const parts = [];
    if (instance.override) parts.push(instance.override.replace('_', ' '));
    if (instance.store === 'local') parts.push('on its own');
    if (instance.state === 'open' && instance.retry_after_ms > 0) parts.push(`retry in ${Lab.duration(Math.ceil(instance.retry_after_ms / 100) * 100)}`);
    else if (instance.state === 'closed' && instance.failures > 0) parts.push(Lab.count(instance.failures, 'failure'));
    return parts.join(', ');
  };
}
