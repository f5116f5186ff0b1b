import { webEnvironment } from './environment.ts';
import { settingsOfAddress } from './settings.ts';
import { wireWorker } from './start-worker.ts';

wireWorker(settingsOfAddress(), webEnvironment);
