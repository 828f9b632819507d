import { everyTestOf } from './every-test';

everyTestOf('test/security');
