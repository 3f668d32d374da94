# installed.cmake - what a user does: an installed tree, the example, cc with pkg-config's flags, against the shared and
# the static library; it runs, and says that no Redis is there. Run by ctest with BUILD, WORK, CC, PKG_CONFIG, NM, SOURCE
# and, in sanitized builds, SANITIZE.
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

function(run what)
	execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error
		OUTPUT_STRIP_TRAILING_WHITESPACE)
	if(NOT result EQUAL 0)
		message(FATAL_ERROR "${what}: ${output}${error}")
	endif()
	set(output "${output}" PARENT_SCOPE)
endfunction()

function(try program)
	execute_process(COMMAND ${CMAKE_COMMAND} -E env STOA_REDIS_URL=unix:///nowhere/at/all ${program} RESULT_VARIABLE result
		OUTPUT_VARIABLE output ERROR_VARIABLE error TIMEOUT 60)
	if(NOT result EQUAL 1 OR NOT error MATCHES "nothing accepts connections there")
		message(FATAL_ERROR "${program}: ${result} ${output} ${error}")
	endif()
endfunction()

# Nothing of ours but stoa_emitter_*.
function(check_names what)
	string(REGEX MATCHALL "[^\n]* [TDBRVW] [^\n]*" lines "${output}")
	foreach(line IN LISTS lines)
		if(NOT line MATCHES " [TDBRVW] (stoa_emitter_|__|_init|_fini|_edata|_end|.*san)")
			message(FATAL_ERROR "${what} shows ${line}")
		endif()
	endforeach()
endfunction()

run("install" ${CMAKE_COMMAND} --install ${BUILD} --component dev --prefix ${WORK}/usr)
set(ENV{PKG_CONFIG_PATH} ${WORK}/usr/share/pkgconfig)
if(SANITIZE)
	set(sanitize -fsanitize=${SANITIZE})
endif()
set(strict -std=c11 -Wall -Wextra -Wpedantic -Werror)

run("pkg-config" ${PKG_CONFIG} --cflags --libs stoa-emitter)
separate_arguments(flags UNIX_COMMAND "${output}")
run("cc" ${CC} ${strict} ${sanitize} -o ${WORK}/shared ${SOURCE} ${flags})
try(${WORK}/shared)

run("pkg-config" ${PKG_CONFIG} --variable=libdir stoa-emitter)
set(libdir ${output})
run("nm" ${NM} -D --defined-only ${libdir}/libstoa-emitter.so)
check_names(libstoa-emitter.so)
run("nm" ${NM} --defined-only -g ${libdir}/libstoa-emitter.a)
check_names(libstoa-emitter.a)
run("pkg-config" ${PKG_CONFIG} --cflags --libs --static stoa-emitter)
string(REPLACE "-lstoa-emitter" "-l:libstoa-emitter.a" output "${output}")
separate_arguments(flags UNIX_COMMAND "${output}")
run("cc" ${CC} ${strict} ${sanitize} -o ${WORK}/static ${SOURCE} ${flags})
try(${WORK}/static)
