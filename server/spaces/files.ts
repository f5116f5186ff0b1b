/** Small text files beside the database, as the spaces need them: handed in, since they outlive what the database remembers. */
export interface Files {
  /** The text of a file, or undefined when there is none. */
  readonly readIfAny: (path: string) => Promise<string | undefined>;
  /** Replaces a file whole, readable by its owner only: after a power cut there is the old text, or the new one once this resolved. */
  readonly writeAtomically: (path: string, text: string) => Promise<void>;
}
