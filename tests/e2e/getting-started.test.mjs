// examples/getting-started as the module that a gateway runs.

import { after, before } from 'node:test';
import { forTest, share } from './lib/gateway.mjs';
import { tour } from './lib/tour.mjs';

tour('getting-started', share(before, after, 'getting-started'), (t, ms) => forTest(t, 'getting-started', ['--set', `tick=${ms}`]));
