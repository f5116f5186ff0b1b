const ASKED = 'wakelog:persistence-asked';

/**
 * Asks the browser to keep this site's storage, once for a browser profile. After the first write, never on load: some
 * browsers ask their user, who should know by then what is to be kept.
 */
export async function askToKeepStorage(): Promise<void> {
  const { storage } = navigator;
  if (storage?.persist === undefined) return;
  try {
    if (localStorage.getItem(ASKED) !== null || (await storage.persisted())) return;
    localStorage.setItem(ASKED, 'yes');
    await storage.persist();
  } catch {
    // Without localStorage nobody could remember that it was asked.
  }
}
