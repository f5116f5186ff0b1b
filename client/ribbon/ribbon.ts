import type { Connection } from '../connection.ts';
import type { RibbonNote, RibbonText } from './ribbon-note.ts';
import { RIBBON_TEXTS, toRibbonNote } from './ribbon-note.ts';
import { RIBBON_STYLE } from './ribbon-style.ts';

// Imported in Node as well (a server that renders pages), where there are no elements; nobody constructs one there.
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (Object as unknown);

/** What a `wakelog-update` event carries: the keys that the accepted updates changed. */
export interface UpdateDetail {
  readonly keys: readonly string[];
}

/**
 * `<wakelog-ribbon>`: says that updates wait, and shows them when the user says so (S5.10, PAGE6). Give it its `connection`. A
 * click accepts and fires a cancelable `wakelog-update` on the document; where nobody prevents the default, the page
 * reloads. Nothing else ever reloads it. Every text can be replaced by the attribute of its name (`text-one`, `accept` …).
 */
export class WakelogRibbon extends Base {
  #connection: Connection | undefined;
  #stops: (() => void)[] = [];
  #note: RibbonNote | undefined;
  #stale = false;
  #accepting = false;
  readonly #dismissed = new Set<RibbonText>();
  #text!: HTMLElement;
  #button!: HTMLButtonElement;
  #focusBefore: EventTarget | null = null;

  get connection(): Connection | undefined {
    return this.#connection;
  }

  set connection(connection: Connection | undefined) {
    this.#unfollow();
    this.#connection = connection;
    if (this.isConnected) this.#follow();
  }

  connectedCallback(): void {
    if (this.shadowRoot === null) this.#build();
    this.#follow();
  }

  disconnectedCallback(): void {
    this.#unfollow();
  }

  #build(): void {
    const root = this.attachShadow({ mode: 'open' });
    // The live region is there before its text is, or screen readers would not notice the first one.
    root.innerHTML = `<style>${RIBBON_STYLE}</style><div part=ribbon><span part=text role=status aria-live=polite></span><button part=button type=button hidden></button></div>`;
    this.#text = root.querySelector('span')!;
    this.#button = root.querySelector('button')!;
    this.#button.addEventListener('click', () => void this.#act());
    this.#button.addEventListener('focus', ({ relatedTarget }) => (this.#focusBefore = relatedTarget));
  }

  #follow(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const show = (): void => this.#show();
    // Until the first contact is over, the page came from the server itself and shows what the worker is only now getting.
    let met = connection.status.getSnapshot().lastSynced !== null;
    this.#stops = [
      connection.status.subscribe(({ lastSynced, connection: state }) => {
        met ||= lastSynced !== null && state !== 'syncing';
        show();
      }),
      connection.newVersion.subscribe(show),
      connection.follow((change) => {
        if (connection.updates !== 'hold' || this.#accepting || !met) return;
        if (change.keys === 'all' || change.origin !== 'remote') return;
        if (!announceUpdate(change.keys)) this.#stale = true;
        show();
      }),
    ];
  }

  #unfollow(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #show(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const status = connection.status.getSnapshot();
    const newVersion = connection.newVersion.getSnapshot();
    const note = toRibbonNote({ status, newVersion, stale: this.#stale, dismissed: this.#dismissed });
    this.#note = note;
    const text = note === undefined ? '' : this.#say(note.text).replace('{count}', String(status.updatesReady));
    // Unchanged text is not set again, or some screen readers would say it again.
    if (this.#text.textContent !== text) this.#text.textContent = text;
    if (note === undefined) {
      const hadFocus = this.shadowRoot?.activeElement === this.#button;
      this.#button.hidden = true;
      if (hadFocus && this.#focusBefore instanceof HTMLElement) this.#focusBefore.focus();
    } else {
      this.#button.textContent = this.#say(note.button);
      this.#button.hidden = false;
    }
    this.toggleAttribute('shown', note !== undefined);
  }

  #say(text: RibbonText): string {
    return this.getAttribute(text) ?? RIBBON_TEXTS[text];
  }

  async #act(): Promise<void> {
    const connection = this.#connection;
    const note = this.#note;
    if (connection === undefined || note === undefined) return;
    if (note.action === 'reload') location.reload();
    else if (note.action === 'sign-in') await connection.signIn().catch(() => {});
    else if (note.action === 'dismiss') {
      this.#dismissed.add(note.text);
      this.#show();
    } else await this.#accept(connection);
  }

  async #accept(connection: Connection): Promise<void> {
    this.#accepting = true;
    try {
      const keys = await connection.accept();
      if (!announceUpdate(keys)) location.reload();
      this.#stale = false;
    } catch {
      // The worker did not answer. The ribbon stays, and so does what waits under it.
    } finally {
      this.#accepting = false;
      this.#show();
    }
  }
}

/** Whether somebody took it on to show what changed. */
function announceUpdate(keys: readonly string[]): boolean {
  const detail: UpdateDetail = { keys };
  return !document.dispatchEvent(new CustomEvent('wakelog-update', { detail, cancelable: true }));
}

/** Makes `<wakelog-ribbon>` known to the document; any number of times. */
export function defineRibbon(): void {
  if (customElements.get('wakelog-ribbon') === undefined) customElements.define('wakelog-ribbon', WakelogRibbon);
}
