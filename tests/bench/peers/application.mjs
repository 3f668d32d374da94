// What every server of the bench does, in socket.io's words.
export function application(io) {
	io.on('connection', (socket) => {
		socket.on('join', async (room, done) => {
			await socket.join(room);
			done();
		});
		socket.on('say', (room, payload) => {
			io.to(room).emit('say', payload);
		});
		socket.on('echo', (payload, done) => {
			done(payload);
		});
	});
}
