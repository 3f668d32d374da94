# installed.cmake - what a user does: an installed tree, a module and its test, cc with pkg-config's flags and nothing
# else, and the test runs. Run by ctest with BUILD, WORK, CC, PKG_CONFIG, MODULE, TEST and, in sanitized builds,
# SANITIZE.
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
if(SANITIZE) # the library was built so, and its runtime has to come first
	set(sanitize -fsanitize=${SANITIZE})
endif()
run("pkg-config" ${PKG_CONFIG} --cflags stoa)
separate_arguments(flags UNIX_COMMAND "${output}")
run("cc" ${CC} -shared -fPIC ${flags} -o ${WORK}/x.so ${MODULE})
run("pkg-config" ${PKG_CONFIG} --cflags --libs stoa-test)
separate_arguments(flags UNIX_COMMAND "${output}")
run("cc" ${CC} -std=c11 -Wall -Wextra -Wpedantic -Werror ${sanitize} -o ${WORK}/test_x ${TEST} ${flags})
run("the test" ${WORK}/test_x ${WORK}/x.so)
if(NOT output STREQUAL "{\"name\":\"hello\",\"args\":[\"installed\"],\"namespace\":\"/\"}")
	message(FATAL_ERROR "the test said: ${output}")
endif()
