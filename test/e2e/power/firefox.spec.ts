import { testPower } from './power-tests.ts';

testPower('firefox');
