# compile.cmake - compiles SOURCE with CC and FLAGS. It must fail, and its first error must match MESSAGE; with an empty
# MESSAGE it must compile.
execute_process(COMMAND ${CC} ${FLAGS} ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE output)
string(REGEX MATCH "[^\n]*error:[^\n]*" first "${output}")

if(MESSAGE STREQUAL "")
	if(NOT result EQUAL 0)
		message(FATAL_ERROR "the control does not compile: ${output}")
	endif()
elseif(result EQUAL 0)
	message(FATAL_ERROR "it compiles")
elseif(NOT first MATCHES "${MESSAGE}")
	message(FATAL_ERROR "another error than \"${MESSAGE}\": ${first}")
endif()
