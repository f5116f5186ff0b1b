import { defineConfig } from 'vitest/config';

const KINDS = ['unit', 'contract', 'simulation', 'vectors', 'power'] as const;

export default defineConfig({
  test: {
    projects: KINDS.map((kind) => ({
      test: {
        name: kind,
        environment: 'node',
        include: [`test/${kind}/**/*.test.ts`],
        testTimeout: kind === 'simulation' || kind === 'power' ? 120_000 : 30_000,
        hookTimeout: 60_000,
      },
    })),
    reporters: process.env['WAKELOG_VITEST_JSON']
      ? ['default', ['json', { outputFile: process.env['WAKELOG_VITEST_JSON'] }]]
      : ['default'],
    // Two cores is the machine this must be pleasant on; real sockets and SQLite files are shared by no two files.
    maxWorkers: 2,
  },
});
