import { testPower } from './power-tests.ts';

testPower('chromium');
