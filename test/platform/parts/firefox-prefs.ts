export type FirefoxPrefs = Readonly<Record<string, string | number | boolean>>;

/** Nothing leaves the machine, nothing opens by itself, nothing asks. */
export const QUIET_PREFS: FirefoxPrefs = {
  'app.normandy.enabled': false,
  'app.shield.optoutstudies.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.discovery.enabled': false,
  'browser.ml.enable': false,
  'browser.region.network.url': '',
  'browser.region.update.enabled': false,
  'browser.safebrowsing.provider.google4.updateURL': '',
  'browser.safebrowsing.provider.mozilla.updateURL': '',
  'browser.search.update': false,
  'browser.sessionstore.resume_from_crash': false,
  'browser.startup.homepage': 'about:blank',
  'browser.startup.page': 0,
  'browser.topsites.contile.enabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.usage.uploadEnabled': false,
  'extensions.blocklist.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.systemAddon.update.url': '',
  'identity.fxaccounts.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'messaging-system.rsexperimentloader.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'network.dns.disabled': true, // numeric addresses still work
  'network.http.speculative-parallel-limit': 0,
  'network.manage-offline-status': false,
  'network.predictor.enabled': false,
  'network.prefetch-next': false,
  'network.proxy.type': 0,
  'network.trr.mode': 5,
  'network.websocket.delay-failed-reconnects': false,
  'security.OCSP.enabled': 0,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'termsofuse.bypassNotification': true,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
  'toolkit.telemetry.unified': false,
  // Without a desktop, showNotification would reject; and persist() would ask and never settle.
  'alerts.useSystemBackend': false,
  'permissions.default.persistent-storage': 1,
};

/** Push through a service on loopback, notifications granted, no quota on pushes that show nothing. */
export function pushPrefs(pushUrl: string): FirefoxPrefs {
  return {
    'dom.push.serverURL': pushUrl,
    'dom.push.testing.allowInsecureServerURL': true,
    // It equals the default, yet must be written: remote control turns push off in profiles that do not say otherwise.
    'dom.push.connection.enabled': true,
    'dom.push.retryBaseInterval': 200, // ms, doubled each time; 5000 by default
    'dom.push.maxQuotaPerSubscription': 100_000, // 16 by default; a quota test sets its own
    'permissions.default.desktop-notification': 1,
  };
}
