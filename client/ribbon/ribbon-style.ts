/** Looks of the ribbon; a page restyles it by ::part(ribbon), ::part(text), ::part(button) and the custom properties. */
export const RIBBON_STYLE = `
:host{position:fixed;inset:auto 0 max(1rem,env(safe-area-inset-bottom));z-index:2147483000;display:flex;justify-content:center;padding:0 1rem;pointer-events:none;
--b:var(--wakelog-background,#1d2530);--c:var(--wakelog-color,#fff);--a:var(--wakelog-accent,#9cc9ff);font:500 .95rem system-ui}
[part=ribbon]{display:flex;align-items:center;gap:.75rem;max-width:36rem;padding:.5rem .5rem .5rem 1.1rem;border-radius:1.6rem;background:var(--b);color:var(--c);
box-shadow:0 .4rem 1.6rem #0006;transition:opacity .2s,transform .2s}
:host(:not([shown])) [part=ribbon]{opacity:0;transform:translateY(1rem)}
:host([shown]) [part=ribbon]{pointer-events:auto}
[part=button]{flex:none;min-height:2.75rem;padding:0 1.1rem;border:0;border-radius:1.4rem;background:var(--a);color:#0b1a2b;font:inherit;font-weight:600;cursor:pointer}
[part=button]:focus-visible{outline:3px solid var(--c);outline-offset:2px}
@media(prefers-color-scheme:dark){:host{--b:var(--wakelog-background,#eef3f9);--c:var(--wakelog-color,#16202b);--a:var(--wakelog-accent,#14508f)}[part=button]{color:#fff}}
@media(prefers-reduced-motion){[part=ribbon]{transition:none}}`;
