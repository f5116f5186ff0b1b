import { registerHooks } from 'node:module';

/**
 * workbox is written for bundlers: its files import each other without an extension, which Node does not find. To be loaded
 * (`node --import`) before anything that imports the worker.
 */
registerHooks({
  resolve(specifier, context, nextResolve) {
    const fromWorkbox = context.parentURL?.includes('/node_modules/workbox-') === true;
    const isBare = specifier.startsWith('.') && !/\.m?js$/.test(specifier);
    if (fromWorkbox && isBare) return nextResolve(`${specifier}.js`, context);
    const intoWorkbox = /^workbox-[a-z-]+\/.+(?<!\.js)$/.test(specifier);
    return nextResolve(intoWorkbox ? `${specifier}.js` : specifier, context);
  },
});

// Its logger for developers wants a browser as soon as it is loaded.
process.env['NODE_ENV'] = 'production';
