// The figures beside the lanes, from a frame: whether the instances agree, which answers callers got, what the upstream
// received according to its ledger, and where the instances keep their breaker's state. Tests find each figure by its id
// or data- attribute.
'use strict';

{
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
    Lab.announce(text);
  };

  Lab.showAgreement = ({ agreement, instances }) => {
    const { text, agree, disagreement_ms: total, disagreeing_for_ms: lasting } = agreement;
    const answering = instances.filter(({ answers }) => answers).length;
    Lab.setAttribute(Lab.byId('agreement'), 'data-agree', answering === 0 ? 'unknown' : agree);
    Lab.setText(Lab.byId('agreement-text'), text || 'no instances');
    let words = 'Instances disagree: they treat the same upstream differently.';
    if (agree) words = agreementText(answering, instances.length);
    Lab.setText(Lab.byId('agreement-words'), words);
    announceSometimes(`${Lab.byId('agreement-text').textContent}. ${words}`);
    Lab.setText(Lab.byId('disagreeing-for'), agree ? '' : `for ${Lab.duration(lasting)}`);
    const disagreement = Lab.byId('disagreement-ms');
    Lab.setText(disagreement, Lab.duration(total));
    Lab.setAttribute(disagreement, 'data-ms', total);
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
    memory: () => ['in memory', 'not shared with other instances'],
    redis: ({ view_age_ms: age }) =>
      ['shared, in Redis', typeof age === 'number' ? `updated ${Lab.duration(age)} ago` : 'connected'],
    local: ({ store_error: error }) => ['local breaker', `Redis is unavailable: ${error || 'no answer'}`],
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
      const known = Object.hasOwn(stores, instance.store) ? stores[instance.store] : () => ['unknown', ''];
      const [where, why] = instance.answers ? known(instance) : ['no answer', ''];
      Lab.setAttribute(row, 'data-store', instance.answers ? instance.store : 'unknown');
      Lab.setText(row.children[1], where);
      Lab.setText(row.children[2], why);
    });
  };

  // Beside an instance's state: when it will try again, and what overrides it.
  Lab.stateDetail = (instance) => {
    if (!instance.answers) return '';
    const parts = [];
    if (instance.override) parts.push(instance.override.replace('_', ' '));
    if (instance.store === 'local') parts.push('local breaker');
    if (instance.state === 'open' && instance.retry_after_ms > 0) parts.push(`retry in ${Lab.duration(Math.ceil(instance.retry_after_ms / 100) * 100)}`);
    else if (instance.state === 'closed' && instance.failures > 0) parts.push(Lab.count(instance.failures, 'failure'));
    return parts.join(', ');
  };
}
