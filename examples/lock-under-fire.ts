import { parseArgs } from 'node:util';
import { openFire } from './lock-under-fire/fire.ts';
import { Referee } from './lock-under-fire/referee.ts';
import { readNumber, startStore } from './lock-under-fire/store.ts';
import { startWorkers } from './lock-under-fire/worker.ts';
