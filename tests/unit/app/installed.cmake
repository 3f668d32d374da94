# installed.cmake - what a user does: an installed tree, one file, cc with pkg-config's flags, and the host loads it.
# Run by ctest with BUILD, WORK, CC, PKG_CONFIG, SOURCE, LOADER and, in sanitized builds, SANITIZE.
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

run("install" ${CMAKE_COMMAND} --install ${BUILD} --component dev --prefix ${WORK}/usr)
set(ENV{PKG_CONFIG_PATH} ${WORK}/usr/share/pkgconfig)
run("pkg-config" ${PKG_CONFIG} --cflags stoa)
separate_arguments(flags UNIX_COMMAND "${output}")
run("cc" ${CC} -shared -fPIC ${flags} -o ${WORK}/x.so ${SOURCE})
run("load" ${LOADER} ${WORK}/x.so)
if(NOT output STREQUAL "[\"hello\",\"installed\"]")
	message(FATAL_ERROR "the module said: ${output}")
endif()
