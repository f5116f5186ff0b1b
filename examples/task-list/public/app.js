/*
 * An ordinary page: it reads and writes with fetch() and knows nothing of logs or sync. The script tag in index.html makes
 * those requests work offline. The few lines under "Extras" use what it offers on top: live changes, marks, notifications.
 */
const API = '/api/tasks';

const list = document.querySelector('#tasks');
const titleInput = document.querySelector('#title');
const problem = document.querySelector('#problem');
const announcer = document.querySelector('#announce');
const rowTemplate = document.querySelector('#task');

const rows = new Map(); // id → <li>
let tasks = [];
let waiting = new Set(); // ids of tasks that are not sent yet

async function request(method, path, body) {
  const json = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(path, { method, ...json });
  const value = answer.status === 204 ? undefined : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(value?.message ?? answer.statusText), { status: answer.status });
  return value;
}

const taskPath = (id) => `${API}/${encodeURIComponent(id)}`;

// One read at a time; what changed while it was under way is read in the next.
let reading;
let readAgain = false;
function load() {
  readAgain = reading !== undefined;
  reading ??= request('GET', API)
    .then(show)
    .catch(explain)
    .finally(() => {
      reading = undefined;
      if (readAgain) return load();
    });
  return reading;
}

/** Runs one action of the user; whatever goes wrong is said in words, and nothing that was typed is lost. */
async function act(action) {
  try {
    await action();
    problem.hidden = true;
  } catch (error) {
    // Somebody else deleted it meanwhile: the list says so better than an error.
    if (error.status !== 404) explain(error);
  }
  await load();
}

function explain(error) {
  const texts = {
    401: 'Please sign in first, then try again.',
    413: 'That is too long. Please shorten it.',
    507: 'This device has no room left. Free some space, then try again; everything earlier is kept.',
  };
  const unreachable = 'The server cannot be reached just now. Nothing is lost; please try again in a moment.';
  problem.textContent =
    texts[error.status] ?? (error instanceof TypeError ? unreachable : `That did not work: ${error.message}`);
  problem.hidden = false;
}

function announce(text) {
  announcer.textContent = text;
}

// Showing

function show(next) {
  tasks = next;
  const ids = new Set(tasks.map(({ id }) => id));
  for (const [id, row] of rows) {
    if (ids.has(id)) continue;
    moveFocusFrom(row);
    row.remove();
    rows.delete(id);
  }
  tasks.forEach((task, index) => {
    const row = rows.get(task.id) ?? createRow(task.id);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    fill(row, task);
  });
  const open = tasks.filter(({ done }) => !done).length;
  const done = tasks.length - open;
  document.querySelector('#empty').hidden = tasks.length > 0;
  document.querySelector('#summary').textContent =
    tasks.length === 0 ? 'No tasks yet' : [`${open} open`, done > 0 ? `${done} done` : ''].filter(Boolean).join(' · ');
}

function fill(row, { id, title, done }) {
  const text = String(title ?? '');
  row.classList.toggle('done', Boolean(done));
  row.querySelector('[type=checkbox]').checked = Boolean(done);
  row.querySelector('.title').textContent = text;
  row.querySelector('.edit').setAttribute('aria-label', `Rename “${text}”`);
  row.querySelector('.delete').setAttribute('aria-label', `Delete “${text}”`);
  row.querySelector('.mark').hidden = !waiting.has(id);
}

function createRow(id) {
  const row = rowTemplate.content.cloneNode(true).querySelector('li');
  const find = (selector) => row.querySelector(selector);
  const checkbox = find('[type=checkbox]');
  checkbox.addEventListener('change', () => act(() => request('PATCH', taskPath(id), { done: checkbox.checked })));
  find('.delete').addEventListener('click', () => remove(id, find('.title').textContent));
  find('.edit').addEventListener('click', () => startRename(row, id));
  rows.set(id, row);
  return row;
}

function startRename(row, id) {
  const input = row.querySelector('.rename');
  const label = row.querySelector('.check');
  const before = row.querySelector('.title').textContent;
  const listening = new AbortController();
  label.hidden = true;
  input.hidden = false;
  input.value = before;
  input.select();
  const end = (save, backToButton) => {
    listening.abort();
    const title = input.value.trim();
    input.hidden = true;
    label.hidden = false;
    if (backToButton) row.querySelector('.edit').focus();
    if (save && title !== '' && title !== before) void act(() => request('PATCH', taskPath(id), { title }));
  };
  const onKey = (event) => {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    // Or the button, which has the focus by then, would take the same key for a click.
    event.preventDefault();
    end(event.key === 'Enter', true);
  };
  input.addEventListener('keydown', onKey, listening);
  input.addEventListener('blur', () => end(true, false), listening);
  input.focus();
}

function remove(id, title) {
  return act(async () => {
    await request('DELETE', taskPath(id));
    announce(`Deleted ${title}`);
  });
}

/** A row that goes away hands the focus to the one after it, or to the input. */
function moveFocusFrom(row) {
  if (!row.contains(document.activeElement)) return;
  const next = row.nextElementSibling ?? row.previousElementSibling;
  (next?.querySelector('.delete') ?? titleInput).focus();
}

document.querySelector('#add').addEventListener('submit', (event) => {
  event.preventDefault();
  const title = titleInput.value.trim();
  if (title === '') return;
  titleInput.value = '';
  void act(async () => {
    try {
      await request('POST', API, { title, done: false });
      announce(`Added ${title}`);
    } catch (error) {
      titleInput.value ||= title;
      throw error;
    }
  });
});

// Extras

// Something changed, here or elsewhere: read again.
document.addEventListener('wakelog-change', () => load());

// The user accepted what others wrote: show it and mark what is new, instead of having the page reloaded.
document.addEventListener('wakelog-update', (event) => {
  event.preventDefault();
  load().then(() => {
    for (const key of event.detail.keys) flash(rows.get(key.slice(API.length + 1)));
  });
});

function flash(row) {
  row?.classList.add('fresh');
  row?.addEventListener('animationend', () => row.classList.remove('fresh'), { once: true });
}

let stateTimer;
function showState(state, text) {
  clearTimeout(stateTimer);
  // Most changes are sent before anybody could read that they are being sent.
  stateTimer = setTimeout(
    () => {
      const chip = document.querySelector('#state');
      if (state === 'offline' && chip.dataset.state !== 'offline') announce('You are offline. Changes are kept here.');
      if (state !== 'offline' && chip.dataset.state === 'offline') announce('You are online again.');
      chip.dataset.state = state;
      chip.textContent = text;
    },
    state === 'waiting' ? 500 : 0,
  );
}

function describe({ connection, unsent }) {
  const toSend = unsent > 0 ? ` · ${unsent} to send` : '';
  if (connection === 'needs-auth') return ['waiting', `Please sign in${toSend}`];
  if (!navigator.onLine || connection === 'offline') return ['offline', `Offline${toSend}`];
  if (unsent > 0) return ['waiting', `Sending ${unsent} …`];
  return ['sent', 'All changes sent'];
}

load();
const connection = await window.wakelog;
if (connection === undefined) {
  // No service worker here: the page works as any page does, while the server can be reached.
  const tell = () => showState(navigator.onLine ? 'sent' : 'offline', navigator.onLine ? 'Online' : 'Offline');
  for (const type of ['online', 'offline']) addEventListener(type, tell);
  document.querySelector('#notify-row').hidden = true;
  tell();
} else {
  const tell = () => showState(...describe(connection.status.getSnapshot()));
  connection.status.subscribe(tell);
  for (const type of ['online', 'offline']) addEventListener(type, tell);
  connection.collection('tasks').subscribe((items) => {
    waiting = new Set(items?.filter(({ unsent }) => unsent).map(({ id }) => id));
    for (const [id, row] of rows) row.querySelector('.mark').hidden = !waiting.has(id);
  });
  setUpNotifications(connection);
}

function setUpNotifications({ status, enableNotifications }) {
  const button = document.querySelector('#notify');
  const text = document.querySelector('#notify-text');
  const texts = {
    on: 'Notifications are on: you hear of changes with every tab closed.',
    denied: 'Notifications are blocked for this site in the browser’s settings.',
    unsupported: 'This browser has no notifications for sites.',
  };
  const tell = (push) => {
    button.hidden = push in texts;
    text.textContent = texts[push] ?? 'to hear of changes with every tab closed.';
  };
  status.subscribe(({ push }) => tell(push));
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      tell(await enableNotifications());
    } catch {
      text.textContent = 'That did not work just now; please try again later.';
    } finally {
      button.disabled = false;
    }
  });
}
