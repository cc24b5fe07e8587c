/**
 * `npm run worker` for as long as whoever forked it lives: the channel between them closes however that ends, also when it is
 * killed. Needed because the workers have a process group of their own: the Ctrl-C that ends the demo must not stop them while
 * orders are still under way.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));

void import('../../workers/main');
